import { hubLock } from './hub.mjs';
import { offer } from './offer.mjs';
import { fail } from './versions.mjs';

// A key is its number; who has one has all before it. `d.s.key` stands in the store; `d.key` is what the
// process seals with, 0 when it has only just started.

/** Before anything is read to be sealed: another process of the device may have made a new key. */
export function followKeys(w, d) {
  if (d.key === 0 || w.R.keysFollow) d.key = d.s.key;
}

/**
 * Another process of the device makes a new key, and offers everything, to be sealed anew.
 *
 * @param lost - the request does not come to the hub: the next exchange brings it
 */
export function rotate(w, d, lost) {
  const { s } = d;
  // Two keys of one number are for their users to sort out.
  if (!s.on || s.storeId === null || s.storeId !== w.hub.storeId || s.key !== w.keys) return;
  s.key = ++w.keys;
  offer(w, s, true);
  w.stats.rotated++;
  if (!lost) hubLock(w, s, s.key - 1);
}

/** The user brings the newest key here, as turning sync on does. */
export function bringKey(w, d, key) {
  const { s } = d;
  if (!s.on || s.key >= key) return;
  s.key = key;
  d.key = key;
  offer(w, s, true);
}

/**
 * C18 rows of one device came everywhere in the order in which it wrote them. Who refills a hub, or
 * waits for something, may come by them in another one.
 */
export function checkOrder(w) {
  if (!w.orderly) return;
  const orderOf = ({ s }, author) =>
    [...s.imm.values()]
      .filter((row) => row.by === author)
      .sort((x, y) => x.n - y.n)
      .map((row) => row.key);
  for (const author of w.devices) {
    const written = orderOf(author, author.s.id).join();
    for (const d of w.devices) {
      if (orderOf(d, author.s.id).join() !== written) {
        fail(`C18 d${d.i} has the rows of d${author.i} in another order`);
      }
    }
  }
}
