import { deviceOf, IMPORT_DEVICE } from './version.ts';

/**
 * Which of two versions of a register stays. Pure, and the same on every device: it takes the
 * maximum of a total order, so that order, repetition and grouping of what comes do not matter.
 */
export interface Meeting {
  /** `take`: the incoming one wins; `same`: it is here already; `keep`: it is older. */
  readonly outcome: 'take' | 'same' | 'keep';
  /** What it overwrites was not known to its writer: the loser is kept for people to see. */
  readonly conflict: boolean;
}

/** What the writer of a version knew of. */
export interface Lineage {
  /** The versions that it replaced since the hub last took one of it. */
  readonly bases: readonly string[];
  /** Of what came before, the latest of each device. */
  readonly ancestors: readonly string[];
}

/**
 * @param held - the version that stands here; empty or undefined where none does
 * @param lineage - what the writer of the incoming one knew of
 * @param isOwn - whether a device is this one, or was it before it was restored or copied
 */
export function mergeRegister(
  held: string | undefined,
  incoming: string,
  lineage: Lineage,
  isOwn: (device: string) => boolean,
): Meeting {
  if (held === undefined) return { outcome: 'take', conflict: false };
  if (incoming === held) return { outcome: 'same', conflict: false };
  if (incoming < held) return { outcome: 'keep', conflict: false };
  return { outcome: 'take', conflict: held !== '' && !isKnown(held, incoming, lineage, isOwn) };
}

function isKnown(
  held: string,
  incoming: string,
  { bases, ancestors }: Lineage,
  isOwn: (device: string) => boolean,
): boolean {
  const known = [...bases, ...ancestors];
  if (known.includes(held)) return true;
  const device = deviceOf(held);
  // Who built on what this device wrote built on its last version; else it was a copy of this store.
  // And an import follows the file that it was made from, not the last import.
  if (isOwn(device) || device === IMPORT_DEVICE) return false;
  // Of any other device the versions follow each other.
  return [...known, incoming].some((one) => one > held && deviceOf(one) === device);
}

/** Devices whose last version is remembered; of more, those that wrote last. */
const DEVICES_MAX = 32;

/** Of each device the latest version, latest first. */
export function latestByDevice(versions: readonly string[]): string[] {
  const latest = new Map<string, string>();
  for (const version of versions) {
    const device = deviceOf(version);
    if (version > (latest.get(device) ?? '')) latest.set(device, version);
  }
  return [...latest.values()].sort().reverse().slice(0, DEVICES_MAX);
}

/** The id of an immutable row whose id another content bears; the lower hash keeps the id. */
export function clashId(id: string, contentHash: string): string {
  return `${id}~${contentHash.slice(0, 16)}`;
}
