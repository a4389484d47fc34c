import { hubFound, hubLock, hubMark, hubRaise } from './hub.mjs';
import { offer } from './offer.mjs';
import { stopForeignRuns } from './tasks.mjs';
import { AHEAD, fail, order, samePair } from './versions.mjs';

/** What a device tells the hub with everything it asks: an answer counts while all of it holds. */
export function ask(w, d, extra) {
  const { id, storeId, epoch, cursor, pair, acked, sent } = d.s;
  const { ms: floor } = knownFloor(w, d);
  return {
    di: d.i,
    boot: d.boot,
    dev: id,
    storeId,
    epoch,
    cursor,
    pair,
    acked,
    sent,
    floor,
    ...extra,
  };
}

/** The latest version known to be accepted; none where it is beyond belief, by this device's clock. */
export function knownFloor(w, d) {
  const { floor: ms, floorC: c } = d.s;
  const believed = !w.R.ownFloorBelieved || ms <= w.T + d.skew + AHEAD;
  return believed ? { ms, c } : { ms: 0, c: 0 };
}

/** Whether a device is still in the state in which it asked. */
export function sameAsk(q, s) {
  return (
    q.dev === s.id &&
    q.storeId === s.storeId &&
    q.epoch === s.epoch &&
    q.cursor === s.cursor &&
    samePair(q.pair, s.pair) &&
    samePair(q.acked, s.acked) &&
    samePair(q.sent, s.sent)
  );
}

/** Takes over where the hub is, and offers it everything. */
export function reset(w, d, meta) {
  const { s } = d;
  Object.assign(s, {
    storeId: meta.storeId,
    epoch: meta.epoch,
    cursor: 0,
    pair: null,
    refused: false,
  });
  if (w.R.adoptPair) {
    s.acked = w.R.ownMark && meta.mine?.forged ? null : meta.mine;
    s.pair = { n: meta.head, token: meta.token };
  }
  if (w.R.chunksByEpoch) d.pieces = new Set();
  offer(w, s, w.R.offerAll);
}

/** This store was restored or copied: another device from now on, with the state it remembers. */
function newIdentity(w, d, why) {
  w.log(`    d${d.i} takes a new device id (${why})`);
  if (!d.cause && !w.lenient) {
    fail('C5 a device id was minted although the store was neither restored nor copied');
  }
  w.stats.minted++;
  Object.assign(d.s, {
    id: w.mint('d'),
    formerIds: [...d.s.formerIds, d.s.id],
    machine: d.machine,
    acked: null,
    sent: null,
    copied: true,
  });
  if (w.R.readAll) d.s.cursor = 0;
  if (!w.R.keepPair) d.s.pair = null;
  if (w.R.newSelf) stopForeignRuns(d);
}

/**
 * Only a copy of this store makes a mark that is later than what was acknowledged here. Everything else
 * somebody wrote: who has no key makes no mark, but can play back former ones, or delete what stands.
 */
function isOfCopy(mark, acked) {
  if (!mark || mark.forged) return false;
  return order(mark.n, acked?.n ?? 0) > 0 || (mark.n === acked?.n && mark.token > acked.token);
}

/** Before anything else: another machine than the one recorded means a copy. */
export function noticeCopy(w, d) {
  if (d.s.machine !== d.machine && w.R.machineId) newIdentity(w, d, 'machine');
}

/** Compares the hub with what is remembered of it. True: go on. False: something changed, ask again. */
export function checkMeta(w, d, meta, q) {
  const { s } = d;
  if (meta.storeId === null) {
    hubFound(w, s);
    return false;
  }
  if (s.storeId !== meta.storeId) {
    if (s.storeId && w.R.keepStoreId) s.refused = true;
    else reset(w, d, meta);
    return false;
  }
  s.refused = false;
  if (meta.key !== s.key) {
    // An older lock, of a hub that was restored; a newer key has to be brought here first.
    if (meta.key < s.key && w.R.lockUp) hubLock(w, s, meta.key);
    return false;
  }
  if (meta.epoch < s.epoch && w.R.epochUp) {
    hubRaise(w, s, q, meta.epoch);
    return false;
  }
  if (meta.epoch !== s.epoch) {
    reset(w, d, meta);
    return false;
  }
  if (!meta.hasPair && w.R.headPair) {
    w.log(`    d${d.i} misses its pair ${JSON.stringify(s.pair)}`);
    if (w.R.raiseEpoch) hubRaise(w, s, q);
    else reset(w, d, meta);
    return false;
  }
  if (w.R.pushPair && !samePair(meta.mine, s.acked) && !samePair(meta.mine, s.sent)) {
    if (w.R.ownMark && !isOfCopy(meta.mine, s.acked)) hubMark(w, s, meta);
    else newIdentity(w, d, 'push pair');
    return false;
  }
  if (meta.mine && samePair(meta.mine, s.sent)) s.acked = s.sent;
  return true;
}
