// What every process of the soak shares: its orders, its lines, its clock and its numbers.
import { readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

export const config = JSON.parse(process.argv[2]);
export const { openStore, restoreStore, StoreError } = await import(config.library);

/** A line for the one who keeps the book, on its way before anything else happens. */
export function tell(value) {
  let bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      // The pipe is full: the reader is slow or stopped.
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

const CLOCK_AGE_MS = 100;
let skew = 0;
let readAt = -Infinity;

/** The machine's clock, which others set; all processes of a device have the same one. */
export function clock() {
  if (performance.now() - readAt > CLOCK_AGE_MS) {
    readAt = performance.now();
    const text = readFileSync(config.skewFile, 'utf8');
    skew = text === '' ? skew : Number(text);
  }
  return Date.now() + skew;
}

export const openHere = () =>
  openStore({ path: config.path, clock, logger: { warn: (text) => console.error(text) } });

/** Answers the orders on standard input, one after the other. */
export async function serve(orders) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, order, args } = JSON.parse(line);
    try {
      tell({ t: 'answer', id, value: (await orders[order](...args)) ?? null });
    } catch (error) {
      tell({ t: 'answer', id, error: failureOf(error) });
    }
  }
  // Whoever started this is gone.
  process.exit(0);
}

export function failureOf(error) {
  const typed = error instanceof StoreError;
  const { code = 'NONE', retryable = false, message } = error;
  return { typed, code, retryable, message, stack: typed ? undefined : error.stack };
}

/** mulberry32, as in the simulation. */
export function randomOf(seed) {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end) => Math.floor(fraction() * end);
  return {
    below,
    chance: (probability) => fraction() < probability,
    pick: (list) => list[below(list.length)],
    weighted(weights) {
      let rest = fraction() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
      for (const [key, weight] of Object.entries(weights)) {
        rest -= weight;
        if (rest < 0) return key;
      }
      return Object.keys(weights)[0];
    },
  };
}
