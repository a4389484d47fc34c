import { note } from './local-writes.mjs';
import { rowOf } from './versions.mjs';

/**
 * Offers every row to the hub, whoever wrote it, parked entries included. By scan nothing is noted:
 * pushes go along the rows in the order of their ids, from the start.
 *
 * @param all - false: only what this device wrote (a rule taken away)
 */
export function offer(w, s, all) {
  if (w.R.offerScan) s.offer = { after: '', all };
  else for (const [key, r] of s.regs) if (all || r.ver.dev === s.id) note(w, s, key, !w.R.ownOnly);
  if (w.R.offerParked) {
    for (const [key, { reason }] of s.parked) {
      if (!/damaged|future|removed/.test(reason)) s.parkedNotes.set(key, s.nextNum++);
    }
  }
  s.icur = 0;
  s.offeredTo = s.nextRow - 1;
  if (w.R.offerScan) s.round++;
  if (w.R.offerScan && w.R.offerRound && all) return;
  for (const r of s.imm.values()) r.pulled = all || r.by === s.id ? 0 : s.round;
}

/** The rows that the offer has not come to, in its order: `[row, keys of its registers]`. */
export function rowsToOffer(s) {
  if (!s.offer) return [];
  const rows = new Map();
  for (const [key, r] of s.regs) {
    const row = rowOf(key);
    if (row <= s.offer.after || !(s.offer.all || r.ver.dev === s.id)) continue;
    rows.set(row, [...(rows.get(row) ?? []), key]);
  }
  return [...rows].sort(([x], [y]) => (x < y ? -1 : 1));
}
