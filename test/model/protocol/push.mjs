import { crash } from './faults.mjs';
import { hubLacking, hubPush, limitOf } from './hub.mjs';
import { ask, checkMeta, knownFloor, noticeCopy, sameAsk } from './identity.mjs';
import { isBarred } from './damage.mjs';
import { followKeys } from './keys.mjs';
import { marksFor, note } from './local-writes.mjs';
import { rowsToOffer } from './offer.mjs';
import { accepted, chunksOf, isComplete, restamp } from './pull.mjs';
import { hashIn, isImmutable, rowOf, samePair } from './versions.mjs';

/**
 * Reads what the hub has not acknowledged, and what an acknowledgement is to trim: null when there is
 * nothing. An entry whose chunks are not known to be on the hub stops the reading; alone, it sends
 * them instead.
 */
function readBatch(w, d, limit) {
  const { s } = d;
  const trim = { icur: 0, offer: null, passed: [], ended: false, round: s.round };
  followKeys(w, d);
  const batch = { rows: [], pieces: [], trim, lock: s.key };
  const missing = (e) =>
    w.R.chunksFirst ? chunksOf(e).filter((key) => s.chunks.has(key) && !d.pieces.has(key)) : [];
  let blocked = null;
  const isFull = () => blocked !== null || batch.rows.length >= limit;
  /** Takes all entries of a row or none. */
  const take = (list) => {
    blocked = list.find((e) => missing(e).length > 0) ?? null;
    if (blocked) return false;
    batch.rows.push(...list);
    return true;
  };

  for (const e of notedEntries(w, s)) {
    if (isFull() || !take([e])) break;
  }
  for (const [row, keys] of rowsToOffer(s)) {
    if (isFull()) break;
    const waiting = keys.filter((key) => mustWait(w, s, key));
    const list = keys
      .filter((key) => !waiting.includes(key))
      .map((key) => ({ ...s.regs.get(key), bases: [], offered: true }));
    if (!take(list)) break;
    trim.offer = row;
    if (w.R.passedNoted)
      trim.passed.push(...waiting.filter((key) => /damaged|future/.test(s.parked.get(key).reason)));
  }
  // What is written from now on is noted, and no more offered.
  trim.ended = s.offer !== null && !isFull();
  // Rows have a limit of their own: registers that keep changing must not hold them up.
  let rows = 0;
  for (const row of unsentRows(w, s)) {
    if (blocked || rows++ >= limit || !take([rowEntry(w, s, row)])) break;
    trim.icur = row.n;
  }
  if (blocked && batch.rows.length === 0 && trim.offer === null) {
    batch.pieces = missing(blocked);
    batch.rows = batch.pieces.map((key) => ({ key, h: hashIn(key), v: 0, offered: true }));
  }
  // The mark of the chunks goes with the purge, whenever that goes.
  if (w.R.chunkRoots) {
    for (const e of [...batch.rows]) {
      for (const key of marksFor(e.key))
        batch.rows.push({ key, h: hashIn(key), v: 1, offered: true });
    }
  }
  for (const row of batch.rows) row.k = row.raw ? row.k : d.key;
  if (s.wrong) for (const row of batch.rows) if (!row.raw) row.bad = w.mint('b');
  return batch.rows.length > 0 || trim.offer !== null || trim.ended ? batch : null;
}

/** What is noted, in the order of its numbers. */
function notedEntries(w, s) {
  const list = [];
  // A purge may come back for its clock, and be lost then: its marks must not stand alone.
  const purging = w.R.marksAfterPurge && [...s.notes.keys()].some((key) => key.endsWith('|purge'));
  for (const [key, { n, bases }] of s.notes) {
    if (purging && isImmutable(key)) continue;
    if (isImmutable(key)) list.push({ key, h: hashIn(key), v: 1, n });
    else if (s.regs.has(key) && !mustWait(w, s, key)) list.push({ ...s.regs.get(key), n, bases });
  }
  for (const [key, n] of s.parkedNotes) {
    const e = s.parked.get(key);
    // The hub is to hold no entry whose chunks it lacks.
    if (!e || (w.R.waitingSilent && !isComplete(s, e))) continue;
    list.push({ ...e, n, raw: true, offered: w.R.offerScan });
  }
  return list.sort((x, y) => x.n - y.n);
}

/** A local edit of a register with a parked entry waits with it. */
function mustWait(w, s, key) {
  const parked = s.parked.get(key);
  if (!parked || !w.R.parkWaits) return false;
  if (parked.bad && !w.R.damagedWaits) return true;
  if (parked.reason === 'removed') return false;
  if ((parked.bad || parked.reason === 'future') && w.cmp(s.regs.get(key).ver, parked.ver) > 0)
    return false;
  return !(w.R.waitingYields && parked.reason === 'chunks');
}

function unsentRows(w, s) {
  const isUnsent = (r) => (w.R.pulledMark ? r.pulled !== s.round : r.by === s.id);
  return [...s.imm.values()].filter((r) => r.n > s.icur && isUnsent(r)).sort((x, y) => x.n - y.n);
}

function rowEntry(w, s, { key, by, root, after, at, chunks, n }) {
  const offered = w.R.offerScan && n <= s.offeredTo;
  const hubKey = w.R.immByContent ? key : `i|${rowOf(key)}|row`;
  return { key: hubKey, h: hashIn(key), by, root, after, at, chunks, min: 1, offered };
}

/**
 * One batch. `fate`: what becomes of its requests and replies; 0 for nothing amiss.
 *
 * @returns `sent`: the hub took it; `spared`: there was nothing to ask the hub, or it lacked nothing;
 *   `refused`: it is not as this device knows it; false: nothing was sent, or no answer came
 */
export function push(w, d, limit, fate) {
  const { s } = d;
  // What hidden wrong keys seal others take off again, as what is spoilt.
  if (!s.on || isBarred(w, d) || s.wrong === 'hidden') return false;
  noticeCopy(w, d);
  if (!s.storeId || s.copied || s.refused) return false;
  const batch = readBatch(w, d, limit);
  if (!batch) return false;
  if (batch.rows.length === 0) {
    trim(w, d, batch); // an offer came by rows that wait, or to its end
    return 'spared';
  }
  const offered = batch.rows.filter((e) => e.offered);
  if (!(w.R.lackFirst && w.R.offerScan) || offered.length === 0) return send(w, d, batch, fate);
  const q = ask(w, d);
  const r = hubLacking(w, q, offered);
  w.stats.offered += offered.length;
  if (fate === 8) {
    w.net.push({ lacking: { batch, q, r } });
    return false;
  }
  return lackingTake(w, d, { batch, q, r }, fate);
}

/** The hub has said what it lacks: the rest is left out. */
export function lackingTake(w, d, { batch, q, r }, fate) {
  const { s } = d;
  if (q.boot !== d.boot || !s.on || !sameAsk(q, s)) return false;
  if (w.R.lackPair) {
    // Whether the keys are still the same the push asks, with the lock of those that it was sealed with.
    if (!checkMeta(w, d, { ...r.meta, key: s.key }, q)) return false;
    s.pair = { n: r.meta.head, token: r.meta.token };
  } else if (r.meta.storeId !== s.storeId || r.meta.epoch !== s.epoch || !r.meta.hasPair)
    return false;
  const rows = batch.rows.filter((e) => !e.offered || r.lacking.has(e.key));
  w.stats.spared += batch.rows.length - rows.length;
  if (rows.length > 0) return send(w, d, { ...batch, rows, read: batch.rows }, fate);
  trim(w, d, batch);
  return 'spared';
}

function send(w, d, batch, fate) {
  const { s } = d;
  // Saved before it goes; both change only after an acknowledgement.
  if (!w.R.samePair || !s.sent || samePair(s.sent, s.acked)) {
    s.sent = { n: Math.max(s.sent?.n ?? 0, s.acked?.n ?? 0) + 1, token: w.mint('t') };
  }
  const q = { ...ask(w, d), ...batch };
  if (!w.R.sealedLock) q.lock = s.key;
  if (fate === 1) return false; // the request is lost
  if (fate === 2) {
    w.net.push({ q }); // the request is late
    return false;
  }
  if (fate === 3) {
    crash(w, d); // the pair is saved, nothing was sent
    return false;
  }
  const r = hubPush(w, q);
  if (fate === 4) return false; // the reply is lost
  if (fate === 5) {
    crash(w, d);
    return false;
  }
  if (fate === 6) {
    w.net.push({ q, r }); // the reply is late
    return false;
  }
  if (fate === 7) w.net.push({ q }); // the request arrives twice
  pushTake(w, d, q, r);
  return r.err ? 'refused' : 'sent';
}

/** The answer to a push: trims exactly what was sent, and stamps anew what came back. */
export function pushTake(w, d, q, r) {
  const { s } = d;
  if (q.boot !== d.boot) return; // the batch was only in memory
  const same = q.epoch === s.epoch && q.dev === s.id && q.storeId === s.storeId;
  if (w.R.ackFence && !(same && samePair(q.pair, s.pair))) return;
  if (r.err) {
    if (w.R.replyFence && !(samePair(q.acked, s.acked) && samePair(q.sent, s.sent))) return;
    checkMeta(w, d, r.meta, q);
    return;
  }
  if (samePair(q.sent, s.sent)) s.acked = s.sent;
  if (w.R.ackPair) s.pair = { n: r.meta.head, token: r.meta.token };
  // Nobody wrote between what was read last and this push: what lies there now is our own.
  const alone = r.meta.head - q.rows.length === s.cursor;
  if (q.cursor === s.cursor && (alone || !w.R.ownRead)) s.cursor = r.meta.head;
  const returned = new Map(r.returned.map((x) => [x.key, x]));
  // Of what the hub held already nothing is known but that it held something higher: no clock of ours.
  const sure = w.R.sparedSilent ? q.rows : (q.read ?? q.rows);
  for (const { key } of q.rows) if (s.parked.get(key)?.reason === 'removed') s.parked.delete(key);
  for (const row of sure) if (row.ver && !returned.has(row.key)) accepted(s, row.ver);
  trim(w, d, q, returned);
  if (returned.size === 0) return;
  w.stats.returned++;
  const max = limitOf(w, r.meta);
  const floor = knownFloor(w, d);
  const back = w.R.clockFloor && floor.ms >= r.meta.now ? floor : { ms: r.meta.now, c: 0 };
  if (s.hlc.ms > back.ms) s.hlc = back; // our clock was wrong
  for (const { key, held } of returned.values()) {
    const cur = s.regs.get(key);
    if (!cur || cur.ver.ms <= max) continue;
    // What lies beyond belief there is taken off: above it nothing would ever be taken.
    const above = w.R.restampAboveHub && !(held?.ms > max && w.R.restampBelieved) ? held : null;
    restamp(w, d, key, above, Math.min(r.meta.now, w.T + d.skew));
  }
}

function trim(w, d, q, returned = new Map()) {
  const { s } = d;
  for (const row of q.read ?? q.rows) {
    if (row.n === undefined || returned.has(row.key)) continue;
    const notes = row.raw ? s.parkedNotes : s.notes;
    const noted = notes.get(row.key);
    const number = row.raw ? noted : noted?.n;
    if (noted !== undefined && (!w.R.exactTrim || number === row.n)) notes.delete(row.key);
  }
  for (const key of q.pieces) d.pieces.add(key);
  if (w.R.offerFence && q.trim.round !== s.round) return;
  for (const key of q.trim.passed) if (!s.notes.has(key)) note(w, s, key, false);
  s.icur = Math.max(s.icur, q.trim.icur);
  if (q.trim.ended) s.offer = null;
  else if (s.offer && q.trim.offer !== null && q.trim.offer > s.offer.after) {
    s.offer = { ...s.offer, after: q.trim.offer };
  }
}
