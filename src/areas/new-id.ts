import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

// Random bytes are drawn a pool at a time: by itself `ulid` asks for each of its 16 characters
// alone, which takes 110 microseconds an id where this takes 1.
const pool = new Uint8Array(4096);
let used = pool.length;

/** 256 is a multiple of the 32 letters, so every letter is equally likely. */
function randomFraction(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] as number) / 256;
}

let makeUlid = monotonicFactory(randomFraction);
let lastNow = 0;

/**
 * A ULID for the time `now` in unix milliseconds. Those that one process makes in one millisecond
 * rise, so that a list that falls back on the id shows them in the order in which they were made.
 */
export function newUlid(now: number): string {
  // After a clock that was set back the factory would go on with the time before: for years, at worst.
  if (now < lastNow) makeUlid = monotonicFactory(randomFraction);
  lastNow = now;
  return makeUlid(now);
}

/** An id in the shape of the old program's: the prefix, an underscore, a ULID in lower case. */
export function newId(prefix: 'thr' | 'turn' | 'item' | 'task', now: number): string {
  return `${prefix}_${newUlid(now).toLowerCase()}`;
}
