import { destroying } from './faults.mjs';
import { hubTakeOff } from './hub.mjs';
import { ask } from './identity.mjs';
import { offer } from './offer.mjs';
import { AHEAD, DAY, YEAR, chunkMark, isImmutable, later, rowOf } from './versions.mjs';

// Entries that nobody can read: `bad` stands for their bytes. What the rest of them says is not sealed.

/** An entry is damaged where it lies, or somebody who has no key writes one in a place of its own. */
export function spoil(w, x, y) {
  const keys = [...w.hub.entries.keys()].filter((key) => key !== chunkMark(rowOf(key)));
  if (keys.length === 0) return;
  const { key, h, ver, v, k, min, seq } = w.hub.entries.get(keys[x % keys.length]);
  const bad = w.mint('b');
  const entry = { key, h, ver, v, k, min, seq, bad };
  w.spoilt = true;
  w.stats.spoilt++;
  w.log(`    ${key} on the hub is spoilt, ${y % 2 ? 'where it lies' : 'by another one'}`);
  destroying(w, () => {
    if (y % 2) w.hub.entries.set(key, entry);
    else forge(w, entry, y % 3);
  });
}

/** @param how - 0, 1: with a version far ahead, or before; 2: of something that nobody has */
function forge({ hub }, entry, how) {
  const seq = ++hub.head;
  hub.commits.set(seq, entry.bad);
  const ms = how === 0 ? 3 * YEAR : -DAY;
  const ver = entry.ver && { ...entry.ver, ms: entry.ver.ms + ms };
  const v = isImmutable(entry.key) && how === 0 ? 1 : entry.v;
  const key = how === 2 && entry.ver ? 'm|nobody|title' : entry.key;
  hub.entries.set(key, { ...entry, key, ver, v, seq });
}

/**
 * The keys of a device are damaged, or those of another group: to it, all that the hub holds is damaged.
 *
 * @param isShown - whether it can tell; else only what lies on the hub does
 */
export function wrongKeys(w, d, isShown) {
  d.s.wrong = isShown ? 'shown' : 'hidden';
  w.stats.wrong++;
}

/** The user brings the right ones. What seemed damaged was perhaps not, and the hub may lack it by now. */
export function rightKeys(w, { s }) {
  if (!s.wrong) return;
  s.wrong = null;
  for (const e of s.parked.values()) {
    if (w.R.seemedOffered && e.reason === 'damaged' && !e.bad) e.reason = 'key';
  }
  offer(w, s, true);
}

/** Whether a device has keys that it uses for nothing. */
export const isBarred = (w, { s }) => s.wrong === 'shown' && w.R.provenKeys;

/** Somebody with the key writes what the hub holds again, under a version of years ahead. */
export function ahead(w, x) {
  const keys = [...w.hub.entries.values()].filter((e) => e.ver && !e.bad).map((e) => e.key);
  if (keys.length === 0) return;
  const held = w.hub.entries.get(keys[x % keys.length]);
  w.stats.ahead++;
  destroying(w, () => {
    const seq = ++w.hub.head;
    w.hub.commits.set(seq, w.mint('c'));
    const ver = { ...held.ver, ms: held.ver.ms + 20 * YEAR };
    w.hub.entries.set(held.key, { ...held, ver, seq, forged: true });
  });
}

/** An entry as the hub had it once is written again, by somebody who kept it. */
export function replay(w, x, y) {
  if (w.hubSnaps.length === 0) return;
  const former = [...w.hubSnaps[y % w.hubSnaps.length].entries.values()].filter((e) => e.ver);
  const old = former[x % former.length];
  const held = old && w.hub.entries.get(old.key);
  if (!held || held.bad || old.bad || later(held.ver, old.ver) === old.ver) return;
  destroying(w, () => {
    const seq = ++w.hub.head;
    w.hub.commits.set(seq, w.mint('c'));
    w.hub.entries.set(old.key, { ...old, seq });
  });
}

/**
 * With everything read: each entry that this device could not read is looked at again as it stands on
 * the hub now, and that very one is taken off.
 *
 * @param fate - 0: nothing amiss; 1: the request is late; 2: the answer is lost
 * @returns the entries that can be read by now: to be applied in the place of what is parked
 */
export function takeOff(w, d, fate) {
  const { s } = d;
  if (!w.R.takeOff || (s.wrong && w.R.sureKeys)) return [];
  // Not by the hub's clock alone, which may be years behind.
  const latest = Math.max(w.hubNow(), w.T + d.skew) + AHEAD;
  const isLost = (e) => s.wrong || e.bad || (w.R.takeFuture && e.ver?.ms > latest);
  const suspect = (e) => e.reason === 'damaged' || (e.reason === 'future' && isLost(e));
  const keys = [...s.parked.values()].filter(suspect).map((e) => e.key);
  keys.push(...d.spoilt);
  const seen = keys.flatMap((key) => w.hub.entries.get(key) ?? []);
  const q = { ...ask(w, d), key: s.key, seen: seen.filter(isLost) };
  if (q.seen.length > 0) {
    if (fate === 1) w.net.push({ removal: q });
    if (fate === 1 || !hubTakeOff(w, q) || fate === 2) return [];
  }
  d.spoilt.clear();
  for (const key of keys) if (s.parked.has(key)) s.parked.get(key).reason = 'removed';
  return seen.filter((e) => !isLost(e) && s.parked.has(e.key));
}

/** Somebody without a key writes over what the hub knows of the last push of a device. */
export function forgeMark(w, d, x, y) {
  const { devices } = w.hub;
  const { id, acked } = d.s;
  const n = devices.get(id)?.n ?? 0;
  const former = w.marks.filter(([dev, mark]) => dev === id && mark.n <= (acked?.n ?? 0));
  w.stats.forged++;
  if (y % 4 === 0) devices.delete(id);
  else if (y % 4 === 1 && former.length > 0) devices.set(id, former[x % former.length][1]);
  else devices.set(id, { n: n + (x % 3), token: w.mint('f'), forged: true });
}
