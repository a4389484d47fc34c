import {
  AHEAD, SLACK, chunkMark, fail, isChunk, order, purgeKey, rowOf, samePair,
} from './versions.mjs'; // prettier-ignore

// Each function here is one transaction on the hub.

export const newHub = () => ({
  storeId: null,
  epoch: 0,
  head: 0,
  /** Head to token: the states in which this hub was. */
  commits: new Map(),
  /** Device to its last push. */
  devices: new Map(),
  entries: new Map(),
  /** The latest version seen accepted. */
  floor: 0,
  /** The number of the key that it is locked for. */
  key: 1,
});

/** What comes with every answer. */
export function hubMeta(w, hub, q) {
  return {
    storeId: hub.storeId,
    epoch: hub.epoch,
    head: hub.head,
    token: hub.commits.get(hub.head) ?? null,
    now: w.hubNow(),
    floor: Math.max(floorOf(w, hub), q.floor),
    key: hub.key,
    hasPair: !q.pair || (hub.commits.get(q.pair.n) ?? null) === q.pair.token,
    mine: hub.devices.get(q.dev) ?? null,
  };
}

/** Somebody may have written any floor there: one beyond belief is none. */
function floorOf(w, hub) {
  return w.R.floorBelieved && hub.floor > w.hubNow() + AHEAD ? 0 : hub.floor;
}

/** Up to where versions are accepted. */
export function limitOf(w, { now, floor }) {
  if (!w.R.hubFloor) return now + SLACK;
  return w.R.noRatchet ? Math.max(now + SLACK, floor) : Math.max(now, floor) + SLACK;
}

/** A page of entries after the cursor. Chunks are left out: who needs them asks for them. */
export function hubPull(w, hub, q) {
  const rest = [...hub.entries.values()]
    .filter((e) => e.seq > q.cursor && !isChunk(e.key))
    .sort((x, y) => x.seq - y.seq);
  return { meta: hubMeta(w, hub, q), page: rest.slice(0, q.limit), more: rest.length > q.limit };
}

/** Which of these entries the hub does not hold in their version or a higher one. */
export function hubLacking(w, q, rows) {
  const { hub } = w;
  const lacking = new Set();
  for (const row of rows) if (improves(w, row, hub.entries.get(row.key))) lacking.add(row.key);
  return { meta: hubMeta(w, hub, q), lacking };
}

/** What the hub holds of these chunks. */
export const hubChunks = (w, keys) => keys.flatMap((key) => w.hub.entries.get(key) ?? []);

/** Whether an entry is to take the place of the one held. */
function improves(w, row, held) {
  if (!held) return true;
  const o = compareRows(w, row, held);
  return o > 0 || (o === 0 && row.k > held.k) || (row.ver && !w.R.hubGuard);
}

function compareRows(w, row, held) {
  if (row.ver) return w.cmp(row.ver, held.ver);
  if (w.R.markBeats && (row.v ?? 0) !== (held.v ?? 0)) return order(row.v ?? 0, held.v ?? 0);
  return order(held.h, row.h);
}

export function hubPush(w, q) {
  const { hub } = w;
  const meta = hubMeta(w, hub, q);
  const foreign = hub.storeId !== q.storeId || (w.R.pushEpoch && hub.epoch !== q.epoch);
  const locked = w.R.pushLock && hub.key !== q.lock;
  if (foreign || locked || (w.R.pushChecksPair && !meta.hasPair)) return { err: true, meta };
  if (w.R.pushPair && !samePair(meta.mine, q.acked) && !samePair(meta.mine, q.sent)) {
    return { err: true, meta };
  }
  const returned = [];
  hub.floor = floorOf(w, hub);
  q.rows.forEach((row, i) => {
    const held = hub.entries.get(row.key);
    const tested = row.ver && !(w.R.rawUntested && w.R.offerScan && row.raw);
    if (
      tested &&
      w.R.clockTest &&
      row.ver.ms > limitOf(w, { now: meta.now, floor: Math.max(hub.floor, q.floor) })
    ) {
      returned.push({ key: row.key, ver: row.ver, held: held?.ver ?? null });
      return;
    }
    if (!improves(w, row, held)) return;
    if (isChunk(row.key) && !takesChunk(w, hub, row)) return;
    if (tested) hub.floor = Math.max(hub.floor, row.ver.ms);
    if (row.bad && !row.raw) fail(`C21 ${row.key} came sealed with keys that nobody else has`);
    if (row.k < hub.key && !row.raw) fail(`C17 ${row.key} came sealed with a former key`);
    // What is only sealed anew stays in its place: who has read it needs it no more.
    const stays = w.R.keepsPlace && held && compareRows(w, row, held) === 0;
    hub.entries.set(row.key, { ...row, seq: stays ? held.seq : hub.head + i + 1 });
  });
  hub.head += q.rows.length;
  hub.commits.set(hub.head, w.R.commitToken ? w.mint('c') : q.sent.token);
  hub.devices.set(q.dev, q.sent);
  w.marks.push([q.dev, q.sent]);
  w.stats.moved += q.rows.length;
  return { meta: hubMeta(w, hub, { ...q, pair: null }), returned };
}

/** The mark of a purged root clears its chunks, and lets none in that comes later. */
function takesChunk(w, hub, row) {
  const root = rowOf(row.key);
  if (hub.entries.has(chunkMark(root))) return false;
  if (row.key !== chunkMark(root)) return true;
  // The purge itself may have come back for its clock, and be lost with its device.
  if (w.R.markWithPurge && !hub.entries.has(purgeKey(root))) return false;
  for (const key of [...hub.entries.keys()]) {
    if (isChunk(key) && rowOf(key) === root) hub.entries.delete(key);
  }
  return true;
}

/** The fraction stands for the random token. */
const nextEpoch = (w, epoch) => Math.floor(epoch) + 1 + (w.R.epochToken ? ++w.ids / 1e6 : 0);

/** An empty hub takes the known store id, or a new one. */
export function hubFound(w, s) {
  if (w.hub.storeId !== null) return;
  w.hub.storeId = s.storeId ?? w.mint('store');
  w.hub.key = s.key;
  w.hub.epoch = nextEpoch(w, s.epoch);
}

/** Puts the lock of a newer key into the place of the one that was seen. */
export function hubLock(w, s, seen) {
  const { hub } = w;
  if (hub.storeId === s.storeId && hub.key === seen) hub.key = s.key;
}

/** Writes the last push of a device as that device knows it, unless anybody pushed since it was seen. */
export function hubMark(w, s, seen) {
  const { hub } = w;
  if (hub.storeId !== s.storeId || hub.epoch !== s.epoch || hub.head !== seen.head) return;
  if (s.acked) hub.devices.set(s.id, s.acked);
  else hub.devices.delete(s.id);
  w.stats.marked++;
}

/**
 * Takes entries off that nobody can read, and raises the epoch: what is lost of the hub all are to send.
 *
 * @returns whether this is the hub that the device knows
 */
export function hubTakeOff(w, { storeId, epoch, key, seen }) {
  const { hub } = w;
  if (hub.storeId !== storeId || hub.epoch !== epoch || hub.key !== key) return false;
  let taken = 0;
  for (const e of seen) {
    const held = hub.entries.get(e.key);
    if (!held || (w.R.takeSeen && (held.seq !== e.seq || held.bad !== e.bad))) continue;
    hub.entries.delete(e.key);
    taken++;
  }
  if (taken > 0 && w.R.takeRaises) {
    hub.epoch = nextEpoch(w, hub.epoch);
    w.orderly = false;
    w.stats.raised++;
  }
  w.stats.taken += taken;
  return true;
}

/** Raises the epoch: only from the one that was seen, and only if the reason still holds. */
export function hubRaise(w, s, q, seen) {
  const { hub } = w;
  const known = hub.storeId === s.storeId && hub.epoch === (seen ?? s.epoch);
  const stillGone = seen !== undefined || !hubMeta(w, hub, q).hasPair;
  if (w.R.raiseChecked && !(known && stillGone)) return;
  hub.epoch = nextEpoch(w, Math.max(hub.epoch, s.epoch));
  w.orderly = false;
  w.stats.raised++;
}
