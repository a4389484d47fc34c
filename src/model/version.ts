import { createHash, createHmac } from 'node:crypto';

/**
 * A version is what a register is compared by; the higher one wins. It sorts as text: for a
 * lifecycle first (attempt, terminal or not), then a hybrid logical clock (48-bit milliseconds,
 * 16-bit counter; Kulkarni et al., "Logical Physical Clocks", 2014), then the device, then a keyed
 * hash of the content, so that not even two copies of one store can differ at one version.
 */
export interface Clock {
  /** Unix milliseconds of the latest stamp. */
  readonly ms: number;
  readonly counter: number;
}

/** How far ahead of the clocks a version is believed, in milliseconds: a hub may have been wrong by some days. */
export const AHEAD_MAX_MS = 7 * 24 * 60 * 60_000;

const COUNTER_MAX = 0xffff;
const CLOCK_LENGTH = 16;

/** The next stamp after `last` and after `above`, at the physical time `now` or later. */
export function tick(last: Clock, now: number, above?: Clock): Clock {
  let next = now > last.ms ? { ms: now, counter: 0 } : { ms: last.ms, counter: last.counter + 1 };
  if (above && (above.ms > next.ms || (above.ms === next.ms && above.counter >= next.counter))) {
    next = { ms: above.ms, counter: above.counter + 1 };
  }
  return next.counter > COUNTER_MAX ? { ms: next.ms + 1, counter: 0 } : next;
}

/** The last stamp of a millisecond: what comes above it has a later one. */
export function endOfMs({ ms }: Clock): Clock {
  return { ms, counter: COUNTER_MAX };
}

/** The stamp right after another one, whatever the time is. */
export function rightAfter(stamp: Clock): Clock {
  return tick(stamp, 0);
}

export interface Lifecycle {
  readonly attempt: number;
  readonly terminal: boolean;
}

/** Renders a version. `device` must not contain a `-` that could shift the parts: ids are ULIDs. */
export function formatVersion(
  clock: Clock,
  device: string,
  hash: string,
  lifecycle?: Lifecycle,
): string {
  const ms = clock.ms.toString(16).padStart(12, '0');
  const counter = clock.counter.toString(16).padStart(4, '0');
  const stamp = `${ms}${counter}-${device}-${hash}`;
  if (!lifecycle) return stamp;
  const attempt = lifecycle.attempt.toString(16).padStart(6, '0');
  return `${attempt}${lifecycle.terminal ? '1' : '0'}-${stamp}`;
}

/** The clock inside a version, lifecycle prefix or not. */
export function clockOf(version: string): Clock {
  const start = version.indexOf('-') === 7 ? 8 : 0;
  const stamp = version.slice(start, start + CLOCK_LENGTH);
  return {
    ms: Number.parseInt(stamp.slice(0, 12), 16),
    counter: Number.parseInt(stamp.slice(12), 16),
  };
}

/** What a lifecycle's version puts before the clock; undefined for other registers. */
export function lifecyclePrefix(version: string): Lifecycle | undefined {
  if (version.indexOf('-') !== 7) return undefined;
  return { attempt: Number.parseInt(version.slice(0, 6), 16), terminal: version[6] === '1' };
}

/** The device inside a version. */
export function deviceOf(version: string): string {
  return version.split('-').at(-2) ?? '';
}

/** Tie-break of two equal stamps: 12 hex digits of a hash over the register's columns. */
export function contentHash(values: readonly unknown[], key: string | null): string {
  const text = JSON.stringify(values);
  const hash = key === null ? createHash('sha256') : createHmac('sha256', key);
  return hash.update(text).digest('hex').slice(0, 12);
}

/** The fixed origin of imported registers, so that imports on several machines agree. */
export const IMPORT_DEVICE = 'import';

/** Whether an import wrote a version. */
export function isImported(version: string): boolean {
  return deviceOf(version) === IMPORT_DEVICE;
}

/** Whether it stands for what was lost to damage: nobody said that, and it is older than every word. */
export function isNobodys(version: string): boolean {
  return version !== '' && clockOf(version).ms === 0 && !isImported(version);
}
