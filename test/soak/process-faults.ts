import { setTimeout as sleep } from 'node:timers/promises';
import type { SoakDevice } from './device.ts';
import { deviceFault, type Fault } from './fault.ts';

const killed = (role: 'writer' | 'worker') =>
  deviceFault(`${role} killed`, async (device, { random, count }) => {
    await device[role]?.kill();
    count();
    await sleep(random.below(2000));
    await (role === 'writer' ? device.startWriter() : device.startWorker());
  });

/** Stands still for a while, wherever it is: also in the middle of a transaction. */
const frozen = (role: 'writer' | 'worker') =>
  deviceFault(`${role} stopped`, async (device, { random, count }) => {
    const child = device[role];
    if (!child) return;
    child.freeze();
    count();
    await sleep(500 + random.below(9500));
    child.goOn();
  });

/** Another program holds the store, longer than its busy timeout, and may be killed doing so. */
const held = deviceFault('store held', async (device, { random, count }) => {
  const child = device.spawn('once', { job: 'hold', ms: 300 + random.below(3000) });
  await child.ready;
  if (!child.alive) return;
  count();
  if (!random.chance(0.5)) return child.ended;
  await sleep(random.below(1500));
  await child.kill();
});

const second = deviceFault('two workers', async (device: SoakDevice, { random, count }) => {
  await device.startSecond();
  count();
  await sleep(2000 + random.below(8000));
  // The one that leads, perhaps: the other has to take over.
  if (random.chance(0.5)) {
    await device.worker?.kill();
    await device.startWorker();
  }
  await device.second?.kill();
  device.second = undefined;
});

export const PROCESS_FAULTS: readonly Fault[] = [
  killed('writer'),
  killed('worker'),
  frozen('writer'),
  frozen('worker'),
  held,
  second,
];
