import { Random } from './random.ts';

/**
 * What the code under test is given in place of the world outside: random numbers that follow from
 * the seed, a say in when it goes on, and bounds that make a hundred rows many pages. `bundle.mjs`
 * puts it there.
 */
export const control = {
  random: new Random(1),
  /** The time part and the rest of the last id, as `ulid` keeps them. */
  lastUlid: { ms: 0, counter: 0 },
  page: { rows: 500 },
  batch: { rows: 2000, bytes: 1 << 20 },
  stepEntries: 50,
  /** The schema that the device at work writes and understands. */
  schema: 1,
  /** Milliseconds of a clock that only goes forward. */
  elapsed: (): number => 0,
  /** Called where the code under test lets other work of its process come in between. */
  pause: (): Promise<void> => Promise.resolve(),
};

Object.assign(globalThis, { simulation: control });

/** To be called before each seed: nothing of the former one is left. */
export function resetControl(seed: number): void {
  control.random = new Random(seed ^ 0x5eed);
  control.lastUlid = { ms: 0, counter: 0 };
  control.schema = 1;
  control.pause = () => Promise.resolve();
}
