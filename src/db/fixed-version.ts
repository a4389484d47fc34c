import { clockOf, deviceOf, type Clock } from '../model/version.ts';

/** A fixed version instead of the clock's, for imported registers. */
export interface FixedVersion {
  /** Undefined for what has no time: at the one of what it follows, else before every time. */
  readonly ms: number | undefined;
  readonly device: string;
  /** At the same time and from the same device it follows what stands there. */
  readonly successor?: boolean;
  /** Among versions of the same time; 0 unless given. */
  readonly counter?: number;
}

/** One for all registers, or the one of each. */
export type FixedVersions = FixedVersion | ((register: string) => FixedVersion);

export function fixedFor(fixed: FixedVersions, register: string): FixedVersion {
  return typeof fixed === 'function' ? fixed(register) : fixed;
}

/** How a change is made: an edit like any other, unless something is said. */
export interface Manner {
  readonly fixed?: FixedVersions | undefined;
  readonly evenPurged?: boolean;
  readonly routine?: boolean;
}

/**
 * The time of a fixed version, over `above` where it follows that, and who stamps it: what others said is
 * hashed without a key, as everywhere.
 */
export function fixedStamp(
  fixed: FixedVersion,
  above: string | undefined,
  own: { readonly id: string; readonly contentKey: string },
): {
  readonly clock: Clock;
  readonly by: { readonly id: string; readonly contentKey: string | null };
} {
  const { device: id } = fixed;
  const by = { id, contentKey: id === own.id ? own.contentKey : null };
  return { clock: fixedClock(fixed, above), by };
}

export function fixedClock(fixed: FixedVersion, above: string | undefined): Clock {
  const clock = { ms: Math.max(0, fixed.ms ?? 0), counter: fixed.counter ?? 0 };
  if (!fixed.successor || above === undefined || deviceOf(above) !== fixed.device) return clock;
  const held = clockOf(above);
  const same = held.ms === clock.ms || fixed.ms === undefined;
  return same ? { ms: held.ms, counter: held.counter + 1 } : clock;
}

/** Of two versions of one time and device no hash may decide: the one that is here stays. */
export function isLater(fixed: FixedVersion, above: string): boolean {
  if (fixed.successor || deviceOf(above) !== fixed.device) return true;
  return clockOf(above).ms !== Math.max(0, fixed.ms ?? 0);
}
