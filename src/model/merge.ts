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

/**
 * @param held - the version that stands here; empty or undefined where none does
 * @param bases - the versions that the writer of the incoming one replaced knowingly
 */
export function mergeRegister(
  held: string | undefined,
  incoming: string,
  bases: readonly string[],
): Meeting {
  if (held === undefined) return { outcome: 'take', conflict: false };
  if (incoming === held) return { outcome: 'same', conflict: false };
  if (incoming < held) return { outcome: 'keep', conflict: false };
  return { outcome: 'take', conflict: held !== '' && !bases.includes(held) };
}

/** The id of an immutable row whose id another content bears; the lower hash keeps the id. */
export function clashId(id: string, contentHash: string): string {
  return `${id}~${contentHash.slice(0, 16)}`;
}
