import { rightKeys } from './damage.mjs';
import { wholeEntries } from './faults.mjs';
import { bringKey, checkOrder } from './keys.mjs';
import { hasFinal } from './local-writes.mjs';
import { enable, sync } from './operations.mjs';
import { chunksOf, descends } from './pull.mjs';
import { checkSessions } from './sessions.mjs';
import { checkAsked, checkGrants, checkRuns } from './tasks.mjs';
import {
  SLACK, chunkMark, compare, fail, isChunk, isImmutable, isPlan, isStream, purgeKey, rootOf, rowOf,
} from './versions.mjs'; // prettier-ignore

/** After every step: C6, nothing but a restore of the device takes a local row back; C14, who runs what. */
export function checkStep(w) {
  for (const d of w.devices) {
    for (const [key, old] of d.shadow) {
      const cur = d.s.regs.get(key);
      if (cur) {
        const back = compare(cur.ver, old.ver) < 0 && cur.wid !== old.wid && w.R.attempt;
        if (back) fail(`C6 d${d.i} fell back at ${key}`);
      } else if (!(isStream(key) && wasFinal(w, rowOf(key))))
        fail(`C6 d${d.i} lost the row ${key}`);
    }
    d.shadow = new Map(d.s.regs);
  }
  if (w.created.size > 0) checkRuns(w);
}

function wasFinal(w, id) {
  for (const key of w.imms.keys()) if (rowOf(key) === id) return true;
  return false;
}

/** Heals every fault, lets the devices sync until nothing moves, and checks what must hold then. */
export function finish(w, maxRounds = 12) {
  heal(w);
  if (!rest(w, maxRounds)) fail('C5/C3 no quiescence within the bounded rounds');
  // What was damaged when all had read it only a newcomer finds.
  if (w.spoilt) {
    w.devices.push(w.newDevice(w.devices.length));
    heal(w);
    if (!rest(w, maxRounds)) fail('C5/C3 no quiescence with a new device');
  }
  const first = w.devices[0].s;
  const isWhole = wholeEntries(w);
  const torn = tornKeys(w, isWhole);
  for (const d of w.devices) {
    if (d.s.refused) fail(`C5 d${d.i} is refused`);
    if (view(d.s, torn) !== view(first, torn))
      fail(`C2 d0 and d${d.i} differ: ${difference(first, d.s)}`);
    const parked = [...d.s.parked.values()]
      .filter((e) => e.reason !== 'removed' && (e.bad || isWhole(e)))
      .map((e) => e.key);
    if (parked.length > 0) fail(`C2 d${d.i} still has parked entries ${parked}`);
    checkSessions(w, d);
  }
  checkHub(w, first, torn);
  checkRows(w, first);
  checkWrites(w, first, torn);
  if (w.R.chunkRoots || w.R.purgeMarks) checkPurged(w);
  checkChunks(w);
  checkOrder(w);
  checkGrants(w, first);
  checkAsked(w, first);
  checkDecisions(w, first);
}

/**
 * C19 what somebody decided is undone by nothing that went its course without knowing of it: that may
 * win only where the decision that it carries on would.
 */
function checkDecisions(w, first) {
  for (const decision of w.writes.values()) {
    const { key, wid, course, gone, lowered, blank } = decision;
    if (!isPlan(key) || course || gone || lowered || blank) continue;
    const winner = w.writes.get(first.regs.get(key)?.wid);
    if (!winner?.course || winner.lowered || descends(w, winner.wid, wid)) continue;
    let root = winner;
    while (root.course) root = w.writes.get(root.parent);
    const isLater = decision.stamp.ms > root.stamp.ms || descends(w, wid, root.wid);
    if (!root.lowered && isLater) {
      fail(`C19 what was decided of ${key} (w${wid}) was undone by w${winner.wid}`);
    }
  }
}

function heal(w) {
  w.log('--- heal');
  w.net = [];
  w.hubSkew = 0;
  w.T += 1;
  const key = Math.max(w.hub.key, ...w.devices.map((d) => d.s.key));
  for (const d of w.devices) {
    d.skew = 0;
    d.schema = 2;
    enable(w, d);
    bringKey(w, d, key);
    rightKeys(w, d);
  }
}

/** Rounds of syncing until one moves nothing. @returns whether that came */
function rest(w, maxRounds) {
  const mark = () => `${w.stats.moved} ${w.stats.marked} ${w.hub.epoch} ${w.hub.head}`;
  for (let round = 1; round <= maxRounds; round++) {
    const before = mark();
    for (const d of w.devices) {
      if (d.s.refused) Object.assign(d.s, { storeId: null, refused: false });
      w.log(`round ${round} d${d.i}`);
      sync(w, d);
    }
    w.T += 1;
    checkStep(w);
    w.stats.rounds = round;
    if (!w.devices.some((d) => d.s.refused) && before === mark()) return true;
  }
  return false;
}

/**
 * Registers whose entry lost pieces of its body on the hub, which nobody has: each device keeps what it
 * had before, until somebody has the pieces or writes anew.
 */
function tornKeys(w, isWhole) {
  const entries = w.spoilt ? [...w.hub.entries.values()] : [];
  return new Set(entries.filter((e) => e.ver && !isWhole(e)).map((e) => e.key));
}

const view = (s, torn) =>
  JSON.stringify([
    [...s.regs]
      .filter(([key]) => !torn.has(key))
      .map(([key, r]) => [key, r.wid, r.ver])
      .sort(),
    [...s.imm.keys()].sort(),
  ]);

function difference(a, b) {
  const regs = [...new Set([...a.regs.keys(), ...b.regs.keys()])];
  const imms = [...new Set([...a.imm.keys(), ...b.imm.keys()])];
  const version = (s, key) => JSON.stringify(s.regs.get(key)?.ver);
  return [
    ...regs.filter((key) => version(a, key) !== version(b, key)),
    ...imms.filter((key) => a.imm.has(key) !== b.imm.has(key)),
  ].join(' ');
}

/** C7 the hub is not behind; C2 nothing purged remains; C10 nothing stays ahead of every clock. */
function checkHub(w, first, torn) {
  for (const [key, r] of first.regs) {
    if (torn.has(key)) continue;
    const e = w.hub.entries.get(key);
    if (!e || compare(e.ver, r.ver) !== 0) fail(`C7 the hub is behind at ${key}`);
  }
  for (const e of w.hub.entries.values()) {
    if (e.bad && !isChunk(e.key)) fail(`C7 nobody can read ${e.key} on the hub`);
    if (!e.ver) continue;
    const purged = e.key[0] === 'm' && first.regs.has(purgeKey(rowOf(e.key)));
    if (purged && !/purge|del/.test(e.key) && !e.blank)
      fail(`C2 a purged payload remains at ${e.key}`);
    if (e.ver.ms > w.maxHubNow + SLACK)
      fail(`C10 ${e.key} is further ahead than the hub's clock was`);
  }
}

/** C4 no immutable row is missing, save what was purged; the hub has each, too. */
function checkRows(w, first) {
  for (const [key, row] of w.imms) {
    const e = w.hub.entries.get(key);
    const purged = w.R.purgeMarks && (e?.v || (row.root && first.regs.has(purgeKey(row.root))));
    if (!row.gone && !first.imm.has(key) && !purged) fail(`C4 immutable row ${key} is missing`);
    if (first.imm.has(key) && w.R.immByContent && (!e || e.v))
      fail(`C7 the hub lacks the row ${key}`);
  }
}

function checkWrites(w, first, torn) {
  const parents = new Set([...w.writes.values()].map((write) => write.parent));
  for (const write of w.writes.values()) {
    const { wid, key } = write;
    if (write.gone || (isStream(key) && hasFinal(first, rowOf(key)))) continue;
    if (torn.has(key) && w.devices.some(({ s }) => holds(w, s, write))) continue;
    const winner = first.regs.get(key);
    // Made final, then purged: what is blanked is no successor of what streamed.
    const ended = isStream(key) && wasFinal(w, rowOf(key)) && first.regs.has(purgeKey(rootOf(key)));
    if (w.R.purgeStreams && ended) continue;
    if (!winner) fail(`C1 w${wid} ${key} is nowhere`);
    if (winner.wid === wid) continue;
    if (compare(write.stamp, winner.ver) > 0) fail(`C1 w${wid} ${key} was lost to a lower version`);
    checkLoser(w, first, write, winner, parents);
  }
}

/** Whether a device has a write, or what was made on top of it. */
function holds(w, s, { key, wid }) {
  const held = s.regs.get(key)?.wid;
  return held !== undefined && (held === wid || descends(w, held, wid));
}

/** C8 nothing loses to what it knowingly replaced; C9 what lost can be seen. */
function checkLoser(w, first, write, winner, parents) {
  const { wid, key } = write;
  const purged = first.regs.has(purgeKey(w.R.purgeStreams ? rootOf(key) : rowOf(key)));
  const listed = (d) => d.s.conflicts.some((c) => c === wid || descends(w, c, wid));
  const seen = w.anyRestore || purged || w.devices.some(listed);
  // Known limit: where a version was lowered (clock set back) while another copy of what it replaced
  // was about (copied store, or reply lost and hub wiped), the older can win. Then the loser must be
  // listed as a conflict.
  const lowered = write.lowered || w.writes.get(winner.wid).lowered;
  const excused = lowered && (seen || w.anyCopy);
  if (descends(w, wid, winner.wid)) {
    if (lowered) w.stats.knownLimit++;
    if (!excused) fail(`C8 w${wid} ${key} lost to w${winner.wid}, which it had replaced knowingly`);
  }
  if (!parents.has(wid) && !seen && !(lowered && w.anyCopy))
    fail(`C9 w${wid} ${key} lost and cannot be seen`);
}

/** C16 nobody holds content of a purged root, and the hub neither. */
function checkPurged(w) {
  const { s } = w.devices[0];
  const isPurged = (root) => root && s.regs.has(purgeKey(root));
  for (const d of w.devices) {
    for (const row of d.s.imm.values()) {
      if (w.R.purgeMarks && isPurged(row.root))
        fail(`C16 d${d.i} holds ${row.key} of a purged root`);
    }
    for (const key of d.s.chunks) {
      if (w.R.chunkRoots && isPurged(rowOf(key)))
        fail(`C16 d${d.i} holds the chunk ${key} of a purged root`);
    }
    for (const [key, r] of d.s.regs) {
      const open = isStream(key) && isPurged(rootOf(key)) && !r.blank;
      if (w.R.purgeMarks && open) fail(`C16 d${d.i} holds ${key} of a purged root`);
    }
  }
  for (const e of w.hub.entries.values()) {
    const root = isChunk(e.key) ? rowOf(e.key) : e.ver ? rootOf(e.key) : e.root;
    if (!isPurged(root) || e.key[0] === 'm') continue;
    const content = isImmutable(e.key)
      ? w.R.purgeMarks && !e.v
      : isChunk(e.key)
        ? e.key !== chunkMark(root)
        : !e.blank;
    if (content) fail(`C16 the hub holds ${e.key} of a purged root`);
  }
}

/** C13 every body is complete, on every device and on the hub, where it is to be had at all. */
function checkChunks(w) {
  for (const { i, s } of w.devices) {
    for (const e of [...s.regs.values(), ...s.imm.values()]) {
      for (const key of chunksOf(e))
        if (!s.chunks.has(key)) fail(`C13 d${i} lacks ${key} of ${e.key}`);
    }
  }
  const isWhole = wholeEntries(w);
  for (const e of w.hub.entries.values()) {
    if (w.spoilt && !isWhole(e)) continue;
    for (const key of chunksOf(e)) {
      const chunk = w.hub.entries.get(key);
      if (!chunk || chunk.bad) fail(`C13 the hub lacks ${key} of ${e.key}`);
    }
  }
}
