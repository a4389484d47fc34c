/** Beyond it nothing is counted on: neither this program nor SQLite has room for many more. */
const PLACE_MAX = 2 ** 52;
/** No group comes so far by itself; what lies beyond was written by somebody. */
const PLACE_LIKELY = 2 ** 40;

const LAST_SEQ = 'coalesce((select max(seq) from hub_entries), 0)';
const LAST_COMMIT = 'coalesce((select max(head) from hub_commits), 0)';

/**
 * Whether nothing lies above the head: an entry or a state there would be in the way of the push that
 * comes to its number, and of every one after that.
 *
 * @param meta - how the statement calls `hub_meta`
 */
export function isSound(meta: string): string {
  return `(${meta}.head between 0 and ${PLACE_MAX}
    and ${LAST_SEQ} <= ${meta}.head and ${LAST_COMMIT} <= ${meta}.head)`;
}

/**
 * The epoch of a hub. It rises by one at a time: one that no group comes to was written by somebody,
 * and counts as none, so that the next one can be counted on from it.
 *
 * @param meta - how the statement calls `hub_meta`
 */
export const epochOf = (meta: string) =>
  `iif(${meta}.epoch between 0 and ${PLACE_LIKELY}, ${meta}.epoch, 0)`;

/** The same of the epoch that a device remembers. */
export const likelyEpoch = (epoch: number) => (isLikely(epoch) ? epoch : 0);

/** Whether a group can come so far by counting. */
export const isLikely = (number: number) => number >= 0 && number <= PLACE_LIKELY;

/**
 * In order of their places, which only become smaller: none takes one that is not free yet.
 *
 * @param holds - what has to hold besides
 */
export const bringNear = (holds: string) => `with far as (
    select seq, row_number() over (order by seq) as rank from hub_entries where seq > ${PLACE_LIKELY})
  update hub_entries set seq = far.rank + coalesce((
    select max(seq) from hub_entries where seq <= ${PLACE_LIKELY}), 0)
  from far where far.seq = hub_entries.seq
    and (select max(seq) from hub_entries) > ${PLACE_MAX} and ${holds}`;

export const forgetFar = (holds: string) => `delete from hub_commits where head > ${PLACE_LIKELY}
  and (select max(head) from hub_commits) > ${PLACE_MAX} and ${holds}`;

/** The head as it has to be, above all that there is. */
export const RIGHT_HEAD = `max(iif(head > ${PLACE_MAX}, 0, head), ${LAST_SEQ}, ${LAST_COMMIT})`;
