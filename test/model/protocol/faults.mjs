import { hubPush, hubTakeOff, newHub } from './hub.mjs';
import { noticeCopy } from './identity.mjs';
import { chunksOf, isComplete, pullAsk, pullTake } from './pull.mjs';
import { lackingTake, push, pushTake } from './push.mjs';
import { freshMemory } from './world.mjs';
import { compare, fail, isChunk, rowOf } from './versions.mjs';

/** The process ends, and starts again. */
export function crash(w, d) {
  d.boot++;
  Object.assign(d, freshMemory());
  if (!w.R.persistHlc) d.s.hlc = { ms: 0, c: 0 };
  noticeCopy(w, d);
}

/**
 * A restore, of a device or of the hub, may destroy a last copy. Gone, and allowed to be lost, is a
 * write of which a copy was somewhere (rows, parked entries, hub) before and is nowhere after, with
 * what it had replaced; and where the highest version that exists of a register goes down, also the
 * writes of it above the highest that remains.
 */
export function destroying(w, change) {
  w.orderly = false;
  const before = census(w);
  change();
  const after = census(w);
  for (const write of w.writes.values()) {
    const b = before.best.get(write.key);
    const a = after.best.get(write.key);
    if (b && (!a || (compare(b, a) > 0 && compare(write.stamp, a) > 0))) write.gone = true;
    if (!before.wids.has(write.wid) || after.wids.has(write.wid)) continue;
    for (let x = write; x && !after.wids.has(x.wid); x = w.writes.get(x.parent)) x.gone = true;
  }
  for (const [key, row] of w.imms) {
    if (after.imm.has(key)) continue;
    row.gone = true;
    for (const write of w.writes.values()) {
      // Streamed, made final, destroyed.
      if (write.key === `s|${rowOf(key)}|body` && !after.wids.has(write.wid)) write.gone = true;
    }
  }
}

/** What exists anywhere, whole: the highest version of each register, the immutable rows, the writes. */
function census(w) {
  const best = new Map();
  const imm = new Set();
  const wids = new Set();
  const see = (e) => {
    if (!e.ver) {
      imm.add(e.h === undefined ? e.key : `i|${rowOf(e.key)}|${e.h}`);
      return;
    }
    wids.add(e.wid);
    const known = best.get(e.key);
    if (!known || compare(e.ver, known) > 0) best.set(e.key, e.ver);
  };
  for (const d of w.devices) for (const map of [d.s.regs, d.s.imm]) map.forEach(see);
  for (const d of w.devices)
    d.s.parked.forEach((e) => !e.bad && !e.forged && isComplete(d.s, e) && see(e));
  const { entries } = w.hub;
  const whole = (e) => !e.bad && !e.forged && chunksOf(e).every((key) => isGood(entries.get(key)));
  for (const e of entries.values()) if (!isChunk(e.key) && !e.v && whole(e)) see(e);
  return { best, imm, wids };
}

const isGood = (e) => e && !e.bad;

/** Tells of an entry whether its chunks are all to be had: from the hub, or a row that has them. */
export function wholeEntries(w) {
  const chunks = new Set([...w.hub.entries.values()].filter(isGood).map((e) => e.key));
  for (const { s } of w.devices) {
    for (const map of [s.regs, s.imm]) {
      for (const e of map.values()) for (const key of chunksOf(e)) chunks.add(key);
    }
  }
  return (e) => chunksOf(e).every((key) => chunks.has(key));
}

export function restoreDevice(w, d, n) {
  if (d.snaps.length === 0) return;
  destroying(w, () => {
    d.s = structuredClone(d.snaps[n % d.snaps.length]);
  });
  d.boot++;
  Object.assign(d, freshMemory(), { cause: true, shadow: new Map() });
  w.anyRestore = w.anyCopy = true;
}

/** @param n - which snapshot; 0: the hub is wiped */
export function restoreHub(w, n) {
  destroying(w, () => {
    const { length } = w.hubSnaps;
    w.hub = n && length ? structuredClone(w.hubSnaps[n % length]) : newHub();
  });
}

/** A store is copied, to another machine or on the same. */
export function clone(w, d, sameMachine) {
  if (w.devices.length >= 5) return;
  const i = w.devices.length;
  d.cause = true;
  w.anyCopy = true;
  w.orderly = false;
  w.devices.push({
    ...d,
    ...freshMemory(),
    i,
    machine: sameMachine ? d.s.machine : `m${i}`,
    boot: 0,
    snaps: [],
    replica: null,
    shadow: new Map(),
    s: structuredClone(d.s),
  });
}

/** The address leads to somebody else's hub for a moment. */
export function foreign(w, d) {
  if (!d.s.storeId || !d.s.on) return;
  const mine = w.hub;
  w.hub = { ...newHub(), storeId: 'foreign', epoch: d.s.epoch };
  const before = d.s.regs.size;
  try {
    const pulled = pullAsk(w, d, 9);
    if (pulled) pullTake(w, d, pulled);
    push(w, d, 9, 0);
    if (w.hub.entries.size > 0 || d.s.regs.size !== before) {
      fail('C6 rows went to a hub with another store id');
    }
  } finally {
    w.hub = mine;
  }
}

/** Pages, with one thing that goes wrong: `fate`, or `removal`, 0 for none. */
export function pull(w, d, limit, pages, fate, removal = 0) {
  for (let i = 0; i < pages; i++) {
    const asked = pullAsk(w, d, limit, fate === 4);
    if (!asked) return;
    if (fate === 1) {
      w.net.push({ pull: asked }); // the page comes late
      return;
    }
    const crashing = fate === 2 ? () => crash(w, d) : null;
    if (
      !pullTake(w, d, asked, { crash: crashing, fetch: fate !== 2 && fate !== 4, removal }) &&
      i > 2
    )
      return;
    if (fate === 3) {
      crash(w, d);
      return;
    }
  }
}

/** Something that was late arrives; `keep`: and will arrive again. */
export function deliver(w, n, keep) {
  if (w.net.length === 0) return;
  const i = n % w.net.length;
  const late = w.net[i];
  if (!keep) w.net.splice(i, 1);
  if (late.removal) {
    hubTakeOff(w, late.removal);
    return;
  }
  const { q } = late.pull ?? late.lacking ?? late;
  const d = w.devices[q.di];
  if (late.pull) pullTake(w, d, late.pull);
  else if (late.lacking) lackingTake(w, d, late.lacking, 0);
  else if (late.r) pushTake(w, d, q, late.r);
  else {
    const r = hubPush(w, q);
    if (keep) pushTake(w, d, q, r);
  }
}
