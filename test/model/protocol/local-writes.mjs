import {
  chunkMark,
  hashOf,
  isPlan,
  isStream,
  later,
  purgeKey,
  rootOf,
  rowOf,
  showVersion,
} from './versions.mjs';

/** A version by this device's clock, above `above` whatever the clock says. */
export function stamp(w, d, above, a, t, wid, now = w.T + d.skew) {
  const { s } = d;
  let { ms, c } = s.hlc;
  if (now > ms) {
    ms = now;
    c = 0;
  } else c++;
  if (above && w.R.raise && (above.ms > ms || (above.ms === ms && above.c >= c))) {
    ms = above.c === Infinity ? above.ms + 1 : above.ms;
    c = above.c === Infinity ? 0 : above.c + 1;
  }
  s.hlc = { ms, c };
  return { a, t, ms, c, dev: s.id, h: hashOf(wid) };
}

/** The version of what goes its course: whatever the time is, right above what it replaces. */
function carriedOn(d, above, wid) {
  return { ...above, c: above.c + 1, dev: d.s.id, h: hashOf(wid) };
}

/** What a decision beside such things is to be above: all that may carry on what it replaces. */
const endOfTime = (above) => above && { ...above, c: Infinity };

const BASES_MAX = 16;

/** The first base is what the hub knew; of the others the latest are kept. */
function withBase(bases, version) {
  const list = [...bases, version];
  return list.length > BASES_MAX ? [list[0], ...list.slice(-(BASES_MAX - 1))] : list;
}

/**
 * Of the versions that one descends from the latest of each device; none where all are of the device
 * that wrote it, because it names its last one anyway.
 */
export function pastOf(w, versions, ver) {
  if (!w.R.ancestors) return [];
  const latest = new Map();
  for (const one of versions) latest.set(one.dev, later(latest.get(one.dev), one));
  const list = [...latest.values()];
  return list.every((one) => one.dev === ver.dev) ? [] : list;
}

/** Notes a register as unsent. `own`: an edit of this store, not something offered. */
export function note(w, s, key, own, replaced = null) {
  const old = s.notes.get(key);
  s.notes.set(key, {
    n: old && !w.R.newNumber ? old.n : s.nextNum++,
    own: own || !!old?.own,
    bases: replaced ? withBase(old?.bases ?? [], replaced) : (old?.bases ?? []),
  });
}

export const isPurged = (s, root) => s.regs.has(purgeKey(root));

/** An edit of a register: one local transaction. Returns its number in the ledger. */
export function write(w, d, key, how = {}) {
  const { a = 0, t = 0, blank = false, data = null, course = false } = how;
  const { s } = d;
  const cur = s.regs.get(key);
  if (isStream(key) && !blank) {
    if (hasFinal(s, rowOf(key)) || (w.R.purgeMarks && isPurged(s, rootOf(key)))) return 0;
  }
  const wid = ++w.wid;
  const waiting =
    w.R.waitingYields && s.parked.get(key)?.reason === 'chunks' ? s.parked.get(key) : null;
  const frozen = !s.on && cur && !w.R.alwaysStamped;
  const below = later(cur?.ver, waiting?.ver);
  const apart = isPlan(key) && !course && w.R.ownTime;
  const ver = frozen
    ? { ...cur.ver, h: hashOf(wid) }
    : course && w.R.carriesOn
      ? carriedOn(d, cur.ver, wid)
      : stamp(w, d, apart ? endOfTime(below) : below, a, t, wid);
  const newer = key.endsWith('title') || data?.chunks;
  const min = d.schema === 2 && newer ? 2 : 1;
  const past = cur && s.on ? pastOf(w, [...(cur.past ?? []), cur.ver], ver) : cur?.past;
  s.regs.set(key, { key, ver, wid, base: cur?.ver ?? null, past, min, blank, data });
  for (const chunk of data?.chunks ?? []) s.chunks.add(chunk);
  const parent = cur?.wid ?? null;
  w.writes.set(wid, { wid, key, stamp: ver, parent, blank, data, course, gone: false });
  if (s.on) note(w, s, key, true, cur?.ver);
  w.log(
    `    d${d.i} writes w${wid} ${key} ${showVersion(ver)} ${data ? JSON.stringify(data) : ''}`,
  );
  return wid;
}

/** Starts, ends or reopens: reopening raises the attempt, and what ended stays so within one. */
export function life(w, d, row, how) {
  const cur = d.s.regs.get(`m|${row}|life`)?.ver ?? { a: 1, t: 0 };
  const t = how === 1 ? 1 : 0;
  const reopens = cur.t === 1 && t === 0;
  write(w, d, `m|${row}|life`, {
    a: reopens ? cur.a + 1 : cur.a,
    t: cur.t === 1 && t === 1 ? 1 : t,
  });
}

/** Adds an immutable row. `root`: what it belongs to; `after`: the message that it follows. */
export function append(w, d, id, { root = null, after = null, chunks = null } = {}) {
  const content = ++w.wid;
  const key = `i|${id}|${hashOf(content)}`;
  const { s } = d;
  if (s.imm.has(key)) return null;
  if (w.R.purgeMarks && root && isPurged(s, root)) return null;
  const at = w.T + d.skew;
  const row = { key, root, after, chunks, at, n: s.nextRow++, pulled: 0, by: s.id };
  s.imm.set(key, row);
  for (const chunk of chunks ?? []) s.chunks.add(chunk);
  dropStream(s, id);
  w.imms.set(key, { root, gone: false });
  w.log(`    d${d.i} appends ${key} ${after ? `after ${after}` : ''} ${chunks ?? ''}`);
  return row;
}

/** An item that streamed has ended: from now on it is an immutable row. */
export function finalise(w, d, id) {
  const key = `s|${id}|body`;
  if (d.s.regs.has(key)) append(w, d, id, { root: w.R.purgeStreams ? rootOf(key) : null });
}

export function hasFinal(s, id) {
  for (const key of s.imm.keys()) if (rowOf(key) === id) return true;
  return false;
}

/** What streamed gives way to its final row; what was blanked stays, to blank it elsewhere. */
export function dropStream(s, id) {
  const key = `s|${id}|body`;
  if (s.regs.get(key)?.blank || s.parked.get(key)?.blank) return;
  for (const map of [s.regs, s.notes, s.parkedNotes]) map.delete(key);
  if (!/damaged|future/.test(s.parked.get(key)?.reason)) s.parked.delete(key);
}

export function purge(w, d, root) {
  write(w, d, purgeKey(root));
  sweep(w, d, root);
}

/** Empties everything below a purged root: registers by a write like any other, rows by a mark. */
export function sweep(w, d, root) {
  if (!w.R.purgeSweep) return;
  const { s } = d;
  for (const [key, r] of [...s.regs]) {
    const child = w.R.purgeStreams && isStream(key) && rootOf(key) === root;
    const own = key.startsWith(`m|${root}|`) && !key.endsWith('purge') && !key.endsWith('del');
    if ((own || child) && !r.blank) write(w, d, key, { a: r.ver.a, t: r.ver.t, blank: true });
  }
  if (w.R.purgeMarks) sweepRows(w, d, root);
}

function sweepRows(w, d, root) {
  const { s } = d;
  for (const [key, row] of [...s.imm, ...s.parked]) {
    if (key[0] !== 'i' || row.root !== root) continue;
    markPurged(w, d, key);
    const stream = `s|${rowOf(key)}|body`;
    // Its last state before it was final still stands on the hub, where nobody else would blank it.
    if (w.R.purgeStreams && rowOf(key)[0] === 'x') write(w, d, stream, { blank: true });
  }
  s.leaves.delete(root);
  if (w.R.chunkRoots)
    for (const chunk of s.chunks) if (rowOf(chunk) === root) s.chunks.delete(chunk);
}

/** Deletes an immutable row of a purged root and notes the mark that replaces it on the hub. */
export function markPurged(w, d, key) {
  dropRow(d.s, key);
  note(w, d.s, key, true);
  w.stats.marks++;
  w.log(`    d${d.i} marks ${key} as purged`);
}

export function dropRow(s, key) {
  s.imm.delete(key);
  s.parked.delete(key);
  s.parkedNotes.delete(key);
  for (const [root, leaf] of s.leaves) if (leaf.key === key) s.leaves.delete(root);
}

export const marksFor = (key) => (key.endsWith('|purge') ? [chunkMark(rowOf(key))] : []);
