import { isBarred, takeOff } from './damage.mjs';
import { hubChunks, hubMeta, hubPull } from './hub.mjs';
import { ask, checkMeta, noticeCopy, sameAsk } from './identity.mjs';
import {
  dropRow,
  dropStream,
  hasFinal,
  isPurged,
  markPurged,
  note,
  pastOf,
  stamp,
  sweep,
} from './local-writes.mjs';
import { isMessage, noteGrowth, refreshLeaves } from './sessions.mjs';
import { stopForeignRuns } from './tasks.mjs';
import { AHEAD, compare, isImmutable, isStream, order, rootOf, rowOf } from './versions.mjs';

/** Asks for a page: null with sync off. A stale replica answers in place of the hub where it may. */
export function pullAsk(w, d, limit, viaReplica) {
  if (!d.s.on || isBarred(w, d)) return null;
  noticeCopy(w, d);
  const q = ask(w, d, { limit });
  if (viaReplica && d.replica) {
    const r = hubPull(w, d.replica, q);
    const ours = r.meta.storeId === q.storeId && r.meta.epoch === q.epoch && r.meta.hasPair;
    if ((!w.R.replicaOnly || ours) && (!w.R.copyCompared || holdsAll(w, q, r))) {
      // What it says of our last push is old, and nobody listens to it.
      const mine = w.R.replicaOnly ? (q.sent ?? q.acked) : r.meta.mine;
      return { q, r: { ...r, meta: { ...r.meta, mine } }, replica: true };
    }
  }
  return { q, r: hubPull(w, w.hub, q) };
}

/** Whether a page of a replica has everything that the hub holds up to where the cursor will be. */
function holdsAll(w, q, { page, more, meta }) {
  const upTo = more ? page.at(-1).seq : meta.head;
  const read = new Map(page.map((e) => [e.seq, e]));
  return hubPull(w, w.hub, { ...q, limit: Infinity }).page.every(
    ({ seq, key, ver }) => seq > upTo || (read.get(seq)?.key === key && read.get(seq).ver === ver),
  );
}

/**
 * Applies a page and moves the cursor: one local transaction.
 *
 * @param crash - the process ends while the page is applied
 * @param fetch - false: the request for missing chunks fails
 * @param removal - what becomes of the request that takes entries off the hub
 * @returns whether there is more
 */
export function pullTake(
  w,
  d,
  { q, r, replica },
  { crash = null, fetch = true, removal = 0 } = {},
) {
  const { s } = d;
  if (q.boot !== d.boot || !s.on || isBarred(w, d)) return false;
  if (w.R.replyFence && !sameAsk(q, s)) return false;
  if (!(replica && w.R.replicaOnly) && !checkMeta(w, d, r.meta, q)) return false;
  const { head, token } = w.R.pairFromSnapshot ? r.meta : hubMeta(w, w.hub, q);
  const cursor = r.more ? r.page.at(-1).seq : r.meta.head;
  if (!w.R.cursorInTx) {
    s.cursor = cursor;
    if (crash) {
      crash();
      return false;
    }
  }
  for (const e of r.page) apply(w, d, e, r.meta);
  s.cursor = cursor;
  s.pair = { n: head, token };
  w.stats.moved += r.page.length;
  if (fetch) fetchChunks(w, d);
  if (w.R.parkRetry) retryParked(w, d, r.meta);
  if (!r.more && !replica) for (const e of takeOff(w, d, removal)) replaceParked(w, d, e, r.meta);
  if (!w.R.leafAfterPull || !r.more) refreshLeaves(w, d);
  if (w.R.stopWhenHeard) stopForeignRuns(d);
  if (s.copied && !r.more) {
    s.copied = false;
    if (w.R.restampCopy) {
      for (const [key, n] of [...s.notes]) if (n.own && s.regs.has(key)) restamp(w, d, key, null);
    }
  }
  return r.more;
}

/**
 * Asks the hub for the chunks that parked entries lack, whatever else they wait for: the hub may lose
 * them. They are named by their content, so the answer needs no fence.
 */
function fetchChunks(w, d) {
  const { s } = d;
  // Not of what is purged: it may seem damaged since before.
  const parked = [...s.parked.values()].filter((e) => !isPurged(s, e.ver ? rootOf(e.key) : e.root));
  const missing = parked.flatMap((e) => chunksOf(e).filter((key) => !s.chunks.has(key)));
  takeChunks(w, d, missing);
}

function takeChunks(w, d, keys) {
  for (const { key, bad } of hubChunks(w, keys)) {
    const opens = !bad && !d.s.wrong;
    (opens ? d.s.chunks : d.spoilt).add(key);
    if (opens) d.pieces.add(key);
  }
}

/** Applies an entry as it stands on the hub in the place of what is parked of it. */
function replaceParked(w, d, e, meta) {
  const { s } = d;
  s.parked.delete(e.key);
  s.parkedNotes.delete(e.key);
  takeChunks(w, d, chunksOf(e));
  apply(w, d, e, meta);
}

function retryParked(w, d, meta) {
  const { s } = d;
  for (const parked of [...s.parked.values()]) {
    if (parked.reason === 'removed') continue;
    const e = w.R.waitingGoes ? insteadOf(w, d, parked, meta) : parked;
    const reason = obstacle(w, d, e, meta);
    if (reason) {
      s.parked.get(e.key).reason = reason;
      continue;
    }
    s.parked.delete(e.key);
    const offered = s.parkedNotes.delete(e.key);
    if (e.v) {
      takeMark(s, e.key);
      continue;
    }
    if (isImmutable(e.key)) {
      applyRow(w, d, e, offered && w.R.unparkUnsent ? 0 : s.round);
      continue;
    }
    const won = merge(w, d, e);
    // The scan of an offer passed over the register while it waited.
    const passedOver = w.R.offerScan && w.R.unparkNotes && !won;
    if ((offered && won) || passedOver) note(w, s, e.key, false);
  }
}

/**
 * The hub may have lost an entry with its chunks, and hold an earlier version of the register, which
 * came while that one was waited for: then it takes its place.
 */
function insteadOf(w, d, parked, meta) {
  const held = parked.ver && w.hub.entries.get(parked.key);
  const lost = held && !held.bad && w.cmp(held.ver, parked.ver) < 0;
  if (!lost || obstacle(w, d, parked, meta) !== 'chunks') return parked;
  const instead = { ...held, key: parked.key };
  d.s.parked.set(parked.key, instead);
  takeChunks(w, d, chunksOf(instead));
  return instead;
}

export const chunksOf = (e) => e.data?.chunks ?? e.chunks ?? [];
export const isComplete = (s, e) => chunksOf(e).every((key) => s.chunks.has(key));

/** Why an entry cannot be applied now; null when it can. */
function obstacle(w, d, e, meta) {
  if (e.bad || d.s.wrong) return 'damaged';
  if (e.ver) {
    const reference = w.R.parkByHub ? meta.now : w.T + d.skew;
    if (e.ver.ms > Math.max(reference + AHEAD, meta.floor)) return 'future';
    if (e.min > d.schema) return 'schema';
  }
  if (!w.R.chunksWait || isComplete(d.s, e)) return null;
  // Of what is purged nothing is waited for: it is applied, and emptied at once.
  const root = e.ver ? rootOf(e.key) : e.root;
  if (root && isPurged(d.s, root)) return null;
  // Nor of what loses anyway: its chunks may never come.
  const cur = e.ver && d.s.regs.get(e.key);
  return cur && w.R.losersLeave && w.cmp(e.ver, cur.ver) <= 0 ? null : 'chunks';
}

/** The latest version seen accepted: a clock is not set back below it. */
export function accepted(s, v) {
  if (v.ms > s.floor || (v.ms === s.floor && v.c > s.floorC)) {
    s.floor = v.ms;
    s.floorC = v.c;
  }
}

function apply(w, d, e, meta) {
  const { s } = d;
  const key = isImmutable(e.key) ? `i|${rowOf(e.key)}|${e.h}` : e.key;
  const reason = obstacle(w, d, e, meta);
  if (e.v && !reason) {
    takeMark(s, key);
    return;
  }
  if (reason) {
    w.orderly = false;
    if (reason === 'chunks') w.stats.waiting++;
    const parked = s.parked.get(key);
    if (w.R.parkKeep && outranks(w, { ...e, reason }, parked)) {
      s.parked.set(key, { ...e, key, reason });
      s.parkedNotes.delete(key);
    }
  } else if (e.ver) merge(w, d, e);
  else applyRow(w, d, { ...e, key }, s.round);
}

/** A row was purged elsewhere, and the hub knows it. */
function takeMark(s, key) {
  dropRow(s, key);
  s.notes.delete(key);
}

/** What nobody can read says nothing: whatever can be read one day is kept rather. */
function outranks(w, e, parked) {
  const rank = ({ reason }) => ({ removed: 0, damaged: 1, future: 1 })[reason] ?? 2;
  if (parked && w.R.damagedYields && rank(e) !== rank(parked)) return rank(e) > rank(parked);
  return !parked || !e.ver || w.cmp(e.ver, parked.ver) > 0;
}

/** @param pulled - the round in which the hub was seen to hold it */
function applyRow(w, d, e, pulled) {
  const { s } = d;
  const { key, root } = e;
  if (!w.R.orphans && root && ![...s.regs.keys()].some((k) => rowOf(k) === root)) return;
  if (w.R.purgeMarks && w.R.markLate && root && isPurged(s, root)) {
    markPurged(w, d, key);
    return;
  }
  dropStream(s, rowOf(key));
  const held = s.imm.get(key);
  if (held) {
    // The hub may hold the entry of a large body and lack its chunks: then we are to send them.
    if (!(w.R.largeUnsure && held.chunks)) held.pulled = pulled;
    return;
  }
  const { by, after, at, chunks } = e;
  // Chunks that were here already the hub may lack, and others wait for.
  const isOnHub = !w.R.fetchedSure || (chunks ?? []).every((chunk) => d.pieces.has(chunk));
  s.imm.set(key, {
    key,
    n: s.nextRow++,
    pulled: isOnHub ? pulled : 0,
    by,
    root,
    after,
    at,
    chunks,
  });
  if (!isMessage(key)) return;
  s.stale.add(root);
  noteGrowth(s, { key, root, after });
}

/** Merges a register. @returns whether the entry took the place of what was here */
function merge(w, d, e) {
  const { s } = d;
  const cur = s.regs.get(e.key);
  const over = isStream(e.key) && !e.blank && hasFinal(s, rowOf(e.key));
  if (over && !w.R.purgeStreams) return false;
  if (order(e.ver.ms, s.hlc.ms) > 0 || (e.ver.ms === s.hlc.ms && e.ver.c > s.hlc.c)) {
    s.hlc = { ms: e.ver.ms, c: e.ver.c };
  }
  accepted(s, e.ver);
  if (over) return false;
  const o = cur ? w.cmp(e.ver, cur.ver) : 1;
  if (o < 0) {
    // The hub lost ours: its own guard lets no earlier one take the place of a later.
    if (w.R.answersEarlier) note(w, s, e.key, false);
    return false;
  }
  if (o > 0) {
    if (w.R.conflicts && !isNamed(w, s, e, cur)) {
      s.conflicts.push(cur.wid);
      w.stats.conflicts++;
      if (descends(w, e.wid, cur.wid)) w.stats.falseConflicts++;
    }
    const { key, ver, wid, base, min, blank, data } = e;
    const past = pastOf(w, [...(e.bases ?? []), ...(e.past ?? [])], ver);
    s.regs.set(key, { key, ver, wid, base, past, min, blank, data });
  }
  s.notes.delete(e.key); // the hub holds this very version, or a later one
  const root = w.R.purgeStreams ? rootOf(e.key) : rowOf(e.key);
  if (isPurged(s, root)) sweep(w, d, root);
  return o > 0;
}

/** Whether whoever wrote the entry knew what it takes the place of here. */
function isNamed(w, s, e, cur) {
  if (!cur || cur.wid === e.wid) return true;
  const bases = w.R.bases ? (e.bases ?? []) : e.base ? [e.base] : [];
  const known = [...bases, ...(e.past ?? [])];
  if (known.some((one) => compare(one, cur.ver) === 0)) return true;
  if (!w.R.ancestors) return false;
  // Who built on what this device wrote built on its last; else it was a copy of this store.
  if (w.R.ownExact && (cur.ver.dev === s.id || s.formerIds.includes(cur.ver.dev))) return false;
  // The versions of one device follow each other.
  return [...known, e.ver].some((one) => one.dev === cur.ver.dev && compare(one, cur.ver) > 0);
}

/** Whether a write was made on top of another, whatever lay in between. */
export function descends(w, wid, ancestor) {
  for (let at = w.writes.get(wid)?.parent; at; at = w.writes.get(at).parent) {
    if (at === ancestor) return true;
  }
  return false;
}

/** Gives a register a version of its own again: the hub did not take the one that it has. */
export function restamp(w, d, key, held, now = w.T + d.skew) {
  const { s } = d;
  const r = s.regs.get(key);
  const ver = stamp(w, d, held, r.ver.a, r.ver.t, r.wid, now);
  s.regs.set(key, { ...r, ver });
  // What it had replaced goes down with it.
  for (let at = w.writes.get(r.wid); at; at = w.writes.get(at.parent)) {
    const lowered = compare(at.stamp, ver) > 0;
    if (at.wid !== r.wid && !lowered) continue;
    at.lowered ||= lowered;
    at.stamp = ver;
  }
  note(w, s, key, true);
  d.shadow.delete(key);
  w.log(`    d${d.i} stamps w${r.wid} anew`);
}
