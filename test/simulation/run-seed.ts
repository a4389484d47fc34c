import type { Device } from './device.ts';
import { control, resetControl } from './control.ts';
import { damage } from './damage.ts';
import { checkAll } from './final-checks.ts';
import { heal, joinAnew } from './heal.ts';
import { Files } from './hub-files.ts';
import { Random } from './random.ts';
import { FATES, MINUTE, World } from './world.ts';

/** What happens how often. */
const WEIGHTS = {
  write: 40,
  pull: 6,
  pullFault: 8,
  push: 6,
  pushFault: 10,
  sync: 5,
  syncFault: 8,
  send: 5,
  sendFault: 8,
  deliver: 9,
  crash: 1,
  toggle: 2,
  partition: 1,
  hubSnap: 2,
  hubRestore: 1.5,
  hubWipe: 0.7,
  devSnap: 2,
  devRestore: 1.5,
  clone: 0.7,
  clock: 2,
  hubClock: 1,
  purge: 1,
  upgrade: 0.5,
  join: 1,
  epoch: 1,
  replica: 1.5,
  foreign: 0.7,
  damage: 2,
  wait: 4,
} as const;
type Operation = keyof typeof WEIGHTS;

/** Each run leaves some of these out: one fault hides another. */
export const FAULTS = [
  'pullFault',
  'pushFault',
  'syncFault',
  'sync',
  'sendFault',
  'send',
  'crash',
  'toggle',
  'partition',
  'hubRestore',
  'hubWipe',
  'devRestore',
  'clone',
  'clock',
  'hubClock',
  'purge',
  'upgrade',
  'join',
  'epoch',
  'replica',
  'foreign',
  'damage',
] as const satisfies readonly Operation[];

export interface RunOptions {
  readonly seed: number;
  readonly operations: number;
  /** Kinds of fault and fates that do not happen. */
  readonly without: readonly string[];
  readonly folder: string;
  readonly template: string;
  readonly trace?: ((text: string) => void) | undefined;
}

/** One run: operations drawn from the seed, then healing, then every check. */
export async function runSeed(options: RunOptions): Promise<World> {
  const { seed, operations, without, template, folder, trace } = options;
  resetControl(seed);
  const random = new Random(seed);
  const left = <T extends string>(kinds: readonly T[], chance: number): T[] =>
    // Drawn before it is left out: a run without a fault draws the same otherwise.
    kinds.filter((kind) => !random.chance(chance) && !without.includes(kind));
  const weights: Partial<Record<Operation, number>> = { ...WEIGHTS };
  const faults = left(FAULTS, 0.5);
  for (const fault of FAULTS) if (!faults.includes(fault)) weights[fault] = 0;
  const fates = left(FATES, 0.4);
  const encrypted = random.chance(0.5);
  // Who joins a hub with other keys cannot hand over what it has parked under its own.
  if (encrypted) weights.upgrade = 0;
  sizes(random);
  trace?.(`faults ${faults.join(' ')}; fates ${fates.join(' ')}; encrypted ${encrypted}`);
  const files = new Files(folder);
  const world = new World({ random, files, template, encrypted, fates, faults, trace });
  for (let i = 0; i < 3; i++) await world.addDevice();
  for (const device of world.devices.slice(0, 2)) await world.enable(device, false);
  for (let i = 0; i < operations; i++) {
    const operation = random.weighted<Operation>(weights);
    const device = random.pick(world.devices);
    trace?.(`${i} ${operation} d${device.index} T+${(world.time - Date.UTC(2026, 0, 1)) / 1000}s`);
    await perform(world, operation, device);
    world.time += random.chance(0.3) ? 1000 : random.below(3);
  }
  await heal(world);
  if (world.anyDamage) await joinAnew(world);
  await checkAll(world);
  return world;
}

/** Small bounds most of the time. */
function sizes(random: Random): void {
  const small = random.chance(0.7);
  Object.assign(control.page, { rows: small ? 1 + random.below(6) : 500 });
  Object.assign(control.batch, { rows: small ? 1 + random.below(6) : 2000, bytes: 1 << 20 });
  control.stepEntries = small ? 1 + random.below(3) : 50;
}

function perform(world: World, operation: Operation, device: Device): Promise<void> | void {
  const { random } = world;
  switch (operation) {
    case 'write':
      return world.write(device);
    case 'purge':
      return world.purge(device);
    case 'pull':
    case 'pullFault':
      return world.pull(device, operation === 'pullFault');
    case 'push':
    case 'pushFault':
      return world.push(device, operation === 'pushFault');
    case 'sync':
    case 'syncFault':
      return world.sync(device, operation === 'syncFault');
    case 'send':
    case 'sendFault':
      return world.send(device, operation === 'sendFault');
    case 'deliver':
      return world.deliver();
    case 'crash':
      return world.crash(device, 'by itself');
    case 'toggle':
      return device.enabled && random.chance(0.3)
        ? world.disable(device)
        : world.enable(device, true);
    case 'join':
      return device.refused ? world.enable(device, true, true) : undefined;
    case 'partition':
      device.partitioned = !device.partitioned;
      return;
    case 'hubSnap':
      world.snapshotHub();
      return;
    case 'hubRestore':
      return world.restoreHub();
    case 'hubWipe':
      return world.wipeHub();
    case 'devSnap':
      world.snapshotDevice(device);
      return;
    case 'devRestore':
      return world.restoreDevice(device);
    case 'clone':
      return world.clone(device);
    case 'clock':
      world.jumpClock(device);
      return;
    case 'hubClock':
      world.jumpHubClock();
      return;
    case 'upgrade':
      device.schema = 2;
      return;
    case 'epoch':
      world.raiseEpoch();
      return;
    case 'replica':
      world.takeReplica(device);
      return;
    case 'foreign':
      return world.foreign(device);
    case 'damage':
      return damage(world);
    case 'wait':
      world.time += random.pick([1, 5, 30]) * MINUTE;
      return;
  }
}
