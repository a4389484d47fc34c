import { setImmediate as nextTurn } from 'node:timers/promises';

/** So long calls that follow each other may keep the event loop, in milliseconds. */
const TURN_MS = 20;
let began: number | undefined;

/**
 * A call of the store is done without a turn of the event loop, so a loop of awaited calls would let no
 * timer, signal or answer of the network through while it runs.
 *
 * @returns to be waited for before the next call, where it is time
 */
export function giveTurn(): Promise<void> | undefined {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    // Does not keep the process alive: nobody waits for it.
    setImmediate(() => (began = undefined)).unref();
    return undefined;
  }
  return now - began < TURN_MS ? undefined : nextTurn();
}
