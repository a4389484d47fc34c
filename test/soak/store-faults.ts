import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SyncStatus } from '../../src/index.ts';
import { destroying } from './destroying.ts';
import type { SoakDevice } from './device.ts';
import { deviceFault, type Fault, type FaultHands } from './fault.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const JUMPS = [DAY, DAY, -DAY, 3 * MINUTE, -3 * MINUTE, 9 * MINUTE, 30 * DAY];

const BUSY = ['BUSY'];

async function backUp(device: SoakDevice): Promise<void> {
  const file = join(device.home, `backup-${device.backups.length % 2}.db`);
  const { world } = device;
  const there = device.backups.indexOf(file);
  if (there >= 0) device.backups.splice(there, 1);
  if (await world.tolerate(() => device.once('backup', { file }), 'backup', BUSY)) {
    device.backups.push(file);
  }
}

/** Everything at once that takes long or reads all, beside a program that writes. */
const upkeep = deviceFault('upkeep', async (device, { count }) => {
  const { world } = device;
  const job = (name: string, config = {}) =>
    world.tolerate(() => device.once(name, config), name, BUSY);
  count();
  const done = await Promise.all([
    job('vacuum'),
    job('import', { home: world.legacyHome }),
    job('read'),
    backUp(device),
  ]);
  if (done[0]) world.count('vacuum');
  if (done[1]) world.count('import');
});

/** Puts another store file in the place of a device's own, and starts its processes anew. */
async function replaceStore(
  device: SoakDevice,
  hands: FaultHands,
  put: () => Promise<void>,
): Promise<void> {
  const { world, count } = hands;
  world.anyCopy = true;
  await device.killAll();
  await world.hub.alone(async () => {
    const gone = await destroying(world, device, async () => {
      await put();
      const inspection = await device.inspect();
      device.followFrom(inspection);
      return inspection;
    });
    world.count('last copies destroyed', gone);
  });
  count();
  await device.startWriter();
  // A backup may be of a day when it was off.
  device.syncOn = (await device.ask<SyncStatus>('status')).enabled;
  await device.startWorker();
}

const restored: Fault = {
  kind: 'device restored',
  run: async (hands) => {
    const { world, random } = hands;
    const device = random.pick(world.devices);
    if (device.backups.length === 0) {
      await device.jobs.add(() => backUp(device));
      await sleep(4000);
    }
    await world.alone.add(() =>
      device.jobs.add(async () => {
        if (device.backups.length === 0) return;
        const file = random.pick(device.backups);
        await replaceStore(device, hands, () => device.once('restore', { file }));
      }),
    );
  },
};

/** `cp -a` over another device, or as one more on the same machine: both write on. */
const cloned = (kind: string, sameMachine: boolean): Fault => ({
  kind,
  run: async (hands) => {
    const { world, random } = hands;
    const source = random.pick(world.devices);
    const target = random.pick(world.devices.filter((device) => device !== source));
    await world.alone.add(() =>
      target.jobs.add(() =>
        source.jobs.add(async () => {
          await replaceStore(target, hands, async () => {
            target.removeStore();
            const folder = dirname(target.path);
            mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
            for (const child of source.children) child.freeze();
            cpSync(dirname(source.path), folder, { recursive: true, preserveTimestamps: true });
            for (const child of source.children) child.goOn();
            target.machine = sameMachine ? source.machine : `soak machine ${target.name}`;
            return Promise.resolve();
          });
          // Until then it comes by the way of the other one, with its token.
          if (target.syncOn && random.chance(0.5)) await turnOn(target);
        }),
      ),
    );
  },
});

const clock = deviceFault('clock jump', async (_device, { world, random, count }) => {
  // The thread of a worker has the machine's own clock.
  const device = random.pick(world.devices.filter(({ thread }) => !thread));
  device.setClock(random.pick(JUMPS));
  count();
  await sleep(2000 + random.below(12_000));
  device.setClock(0);
});

const token = deviceFault('token expired', async (device, { random, count }) => {
  // Over by now, or two seconds from now; sqld lets 60 seconds pass.
  await device.newToken(random.chance(0.5) ? -3600 : -58);
  await sleep(5000 + random.below(10_000));
  const { lastError } = await device.ask<{ lastError: { code: string } | null }>('status');
  if (lastError?.code === 'HUB_ACCESS') count();
  await device.newToken();
});

/** What turning it on may be refused with while the hub fails. */
const HUB_FAILS = [
  ...['HUB_UNREACHABLE', 'HUB_BUSY', 'HUB_REFUSED', 'HUB_ACCESS', 'HUB_TOO_LARGE'],
  ...['SYNC_KEY', 'BUSY'],
];

/** Turns sync on with the keys that there are, the newest first. */
export async function turnOn(device: SoakDevice): Promise<boolean> {
  const { world } = device;
  for (const keyFile of world.keyFiles.toReversed()) {
    const on = await world.tolerate(() => device.enable(keyFile), 'enable', HUB_FAILS);
    if (on) return true;
  }
  return false;
}

const off = deviceFault('sync off', async (device, { world, random, count }) => {
  const done = await world.tolerate(() => device.ask('disable'), 'disable', BUSY);
  if (!done) return;
  device.syncOn = false;
  count();
  await sleep(1000 + random.below(8000));
  await turnOn(device);
});

const rotated: Fault = {
  kind: 'key rotated',
  run: async ({ world, random, count }) => {
    const device = random.pick(world.devices);
    await world.alone.add(async () => {
      await device.jobs.add(async () => {
        if (!device.syncOn) return;
        const codes = [...HUB_FAILS, 'CONFLICT', 'SYNC_OFF', 'CLOSED'];
        const file = world.nextKeyFile();
        if (await world.tolerate(() => device.ask('rotateKey', file), 'rotateKey', codes)) count();
        world.takeKeyFile(file);
      });
      // The others need it before they go on.
      await sleep(random.below(4000));
      for (const other of world.devices) {
        if (other === device) continue;
        await other.jobs.add(async () => {
          if (other.syncOn) await turnOn(other);
        });
      }
    });
  },
};

export const STORE_FAULTS: readonly Fault[] = [
  upkeep,
  restored,
  cloned('device cloned', false),
  cloned('device cloned on one machine', true),
  clock,
  token,
  off,
  rotated,
];
