import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Fault as ProxyFault } from '../support/fault-proxy.ts';
import type { Fault } from './fault.ts';

const HTML = { 'content-type': 'text/html' };
/** Short: a hub may ask to be left alone for longer than a run takes. */
const LATER = { 'retry-after': '2' };

const ANSWERS: readonly ProxyFault[] = [
  { kind: 'answer', status: 401 },
  { kind: 'answer', status: 403 },
  { kind: 'answer', status: 413 },
  { kind: 'answer', status: 429, headers: LATER },
  { kind: 'answer', status: 500, body: 'oops' },
  { kind: 'answer', status: 502, headers: HTML, body: '<p>bad' },
  { kind: 'answer', status: 503, headers: LATER },
  { kind: 'answer', status: 504 },
  { kind: 'answer', status: 200, headers: HTML, body: '<p>log in' },
  { kind: 'answer', status: 200, body: '{"results":[{"ty' },
  { kind: 'answer', status: 307, headers: { location: 'http://127.0.0.1:9/' } },
];

/** For the next requests of a device. */
const some = (kind: ProxyFault['kind'], make: (random: Random) => ProxyFault): Fault => ({
  kind,
  counted: true,
  run: ({ world, random }) => {
    const { proxy } = random.pick(world.devices);
    proxy.next(...Array.from({ length: 1 + random.below(4) }, () => make(random)));
    return Promise.resolve();
  },
});

/** For all requests of a device, for a while. */
const lasting = (kind: ProxyFault['kind'], make: (random: Random) => ProxyFault): Fault => ({
  kind,
  counted: true,
  run: async ({ world, random }) => {
    const { proxy } = random.pick(world.devices);
    proxy.always(make(random));
    await sleep(3000 + random.below(12_000));
    proxy.always({ kind: 'pass' });
  },
});

/** Requests and answers wait, and arrive in another order, when nobody waits for them any more. */
const held: Fault = {
  kind: 'hold',
  counted: true,
  run: async ({ world, random }) => {
    const { proxy } = random.pick(world.devices);
    proxy.next(...Array.from({ length: 1 + random.below(3) }, () => ({ kind: 'hold' }) as const));
    await sleep(1000 + random.below(25_000));
    // The hub may be gone by then.
    await proxy.release().catch(() => undefined);
  },
};

const partition: Fault = {
  kind: 'partition',
  run: async ({ world, random, count }) => {
    const { proxy, jobs } = random.pick(world.devices);
    await jobs.add(async () => {
      await proxy.refuse();
      count();
      await sleep(2000 + random.below(10_000));
      await proxy.accept();
    });
  },
};

export const NETWORK_FAULTS: readonly Fault[] = [
  some('drop-request', () => ({ kind: 'drop-request' })),
  some('drop-reply', () => ({ kind: 'drop-reply' })),
  some('cut-reply', (random) => ({ kind: 'cut-reply', bytes: random.below(400) })),
  some('duplicate', () => ({ kind: 'duplicate' })),
  some('answer', (random) => random.pick(ANSWERS)),
  lasting('delay', (random) => ({
    kind: 'delay',
    requestMs: random.below(500),
    replyMs: random.below(500),
  })),
  lasting('throttle', () => ({ kind: 'throttle', bytesPerS: 2000 })),
  lasting('black-hole', () => ({ kind: 'black-hole' })),
  held,
  partition,
];
