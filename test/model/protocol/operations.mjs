import { checkStep } from './checks.mjs';
import { ahead, forgeMark, replay, spoil, wrongKeys } from './damage.mjs';
import * as faults from './faults.mjs';
import { hubRaise } from './hub.mjs';
import { ask } from './identity.mjs';
import { bringKey, rotate } from './keys.mjs';
import { append, finalise, life, purge, write } from './local-writes.mjs';
import { offer } from './offer.mjs';
import { pullAsk, pullTake } from './pull.mjs';
import { push } from './push.mjs';
import { say, setLeaf } from './sessions.mjs';
import * as tasks from './tasks.mjs';
import { DAY, START, YEAR, fail } from './versions.mjs';

const JUMPS = [0, 0, 3, -3, 9, DAY, -DAY, YEAR, 2 * YEAR, -YEAR];
const HUB_JUMPS = [0, 0, 30, -30, 5, DAY, 3 * DAY, -DAY];

export function enable(w, d) {
  if (d.s.on) return;
  d.s.on = true;
  if (w.R.offerOnEnable) offer(w, d.s, true);
}

/** Two of the four contents that a large body of this row can be made of. */
function bodyOf(w, row, n) {
  const owner = w.R.chunkRoots ? row : 'any';
  return [`c|${owner}|k${n % 4}`, `c|${owner}|k${(n >> 2) % 4}`];
}

/** How often each operation is drawn. */
export const WEIGHTS = {
  edit: 14, life: 5, del: 2, append: 5, stream: 3, final: 2, pull: 8, pullFault: 6, push: 8,
  pushFault: 8, sync: 8, deliver: 6, crash: 1, toggle: 2, hubSnap: 2, hubRestore: 2, hubWipe: 1,
  devSnap: 2, devRestore: 2, clone: 1, clock: 2, hubClock: 1, purge: 1, upgrade: 1, join: 1,
  epoch: 1, replica: 1, foreign: 1, wait: 3,
}; // prettier-ignore

/** The operations of what the product does beyond registers, by extension. */
export const EXTENDED_WEIGHTS = {
  send: { send: 8 },
  offer: { lackLate: 3 },
  copy: { mixed: 3 },
  bases: { burst: 4 },
  branch: { say: 8, goTo: 2 },
  chunk: { big: 6, bigSay: 3 },
  purge: { child: 5, purge: 2 },
  key: { rotate: 2, bring: 5 },
  damage: { spoil: 3, replay: 2, ahead: 2, floor: 1, forgeMark: 2, wrongKeys: 1 },
  owner: { create: 3, claim: 5, report: 2, end: 3, recover: 3, handOver: 2, takeOver: 1, retry: 1 },
  routine: { decide: 4, course: 8, askToStop: 1 },
};

/**
 * What can be left out of a whole run, because one fault hides another: a raised epoch offers every
 * row again, and so heals a lost note.
 */
export const FAULTS = [
  'hubRestore', 'hubWipe', 'epoch', 'foreign', 'join', 'devRestore', 'clone', 'clock', 'hubClock',
  'toggle', 'purge', 'upgrade', 'replica', 'sync', 'crash', 'final',
]; // prettier-ignore

const OPERATIONS = {
  edit(w, d, { row, y }) {
    write(w, d, `m|${row}|${['title', 'body'][y % 2]}`);
    if (y % 5 === 0) write(w, d, `m|${row}|body`);
  },
  life: (w, d, { row, y }) => life(w, d, row, y % 3),
  del: (w, d, { row }) => write(w, d, `m|${row}|del`),
  append(w, d, { row, x, y }) {
    append(w, d, x % 7 === 0 ? `shared${y % 2}` : `i${++w.wid}`, { root: y % 2 ? row : null });
  },
  stream: (w, d, { x }) => write(w, d, `s|x${x % 2}|body`),
  final: (w, d, { x }) => finalise(w, d, `x${x % 2}`),
  purge(w, d, { row }) {
    if (d.s.regs.has(`m|${row}|title`)) purge(w, d, row);
  },

  burst(w, d, { row, x, y }) {
    for (let i = 0; i <= y % 3; i++) write(w, d, `m|${row}|title`);
    push(w, d, 1 + (x % 4), 0);
  },
  child: (w, d, { row }) => append(w, d, `i${++w.wid}`, { root: row }),
  say: (w, d, { row, y }) => say(w, d, row, { byHandle: y % 3 === 0 }),
  goTo: (w, d, { row, y }) => setLeaf(w, d, row, y),
  big: (w, d, { row, y }) => write(w, d, `m|${row}|body`, { data: { chunks: bodyOf(w, row, y) } }),
  bigSay: (w, d, { row, y }) => say(w, d, row, { chunks: bodyOf(w, row, y) }),
  rotate: (w, d, { y }) => rotate(w, d, y % 3 === 0),
  bring: (w, d) => bringKey(w, d, w.hub.key),
  create: (w, d) => tasks.create(w, d, `t${d.i}`),
  claim: (w, d, { task }) => tasks.claim(w, d, task),
  report: (w, d, { task }) => tasks.report(w, d, task),
  end: (w, d, { task }) => tasks.end(w, d, task),
  recover: (w, d, { task }) => tasks.recover(w, d, task),
  retry: (w, d, { task }) => tasks.retry(w, d, task),
  askToStop: (w, d, { task }) => tasks.askToStop(w, d, task),
  decide: (w, d, { row }) => write(w, d, `m|${row}|plan`),
  course(w, d, { row }) {
    const key = `m|${row}|plan`;
    if (d.s.regs.has(key)) write(w, d, key, { course: true });
  },
  takeOver: (w, d, { task }) => tasks.handOver(w, d, task, d.s.id),
  handOver: (w, d, { task, y }) => tasks.handOver(w, d, task, w.devices[y % w.devices.length].s.id),

  pull: (w, d, { x, y }) => faults.pull(w, d, 1 + (x % 4), 1 + (y % 4), 0),
  pullFault: (w, d, { x, y }) => faults.pull(w, d, 1 + (x % 4), 1 + (y % 3), 1 + (y % 4), x % 3),
  push: (w, d, { x }) => push(w, d, 1 + (x % 4), 0),
  pushFault: (w, d, { x, y }) => push(w, d, 1 + (x % 4), 1 + (y % 7)),
  lackLate: (w, d, { x }) => push(w, d, 1 + (x % 4), 8),
  sync: (w, d) => sync(w, d),
  send: (w, d) => send(w, d),
  spoil: (w, d, { x, y }) => spoil(w, x, y),
  replay: (w, d, { x, y }) => replay(w, x, y),
  ahead: (w, d, { x }) => ahead(w, x),
  forgeMark: (w, d, { x, y }) => forgeMark(w, d, x, y),
  wrongKeys: (w, d, { x }) => wrongKeys(w, d, x % 2 === 0),
  floor(w) {
    w.hub.floor = w.T + 30 * YEAR;
  },
  deliver: (w, d, { x, y }) => faults.deliver(w, x, y % 3 === 0),
  crash: (w, d) => faults.crash(w, d),
  toggle(w, d, { y }) {
    if (d.s.on && y % 3 === 0) d.s.on = false;
    else enable(w, d);
  },
  hubSnap: (w) => w.hubSnaps.push(structuredClone(w.hub)),
  hubRestore: (w, d, { x }) => faults.restoreHub(w, x),
  hubWipe: (w) => faults.restoreHub(w, 0),
  devSnap: (w, d) => d.snaps.push(structuredClone(d.s)),
  devRestore: (w, d, { x }) => faults.restoreDevice(w, d, x),
  clone: (w, d, { y }) => faults.clone(w, d, y % 2 === 0),
  clock(w, d, { x }) {
    d.skew = JUMPS[x % JUMPS.length];
  },
  hubClock(w, d, { x }) {
    w.hubSkew = HUB_JUMPS[x % HUB_JUMPS.length];
  },
  upgrade(w, d) {
    d.schema = 2;
  },
  join(w, d) {
    if (d.s.refused) d.s.storeId = null;
  },
  epoch(w, d) {
    if (d.s.storeId) hubRaise(w, d.s, ask(w, d), w.hub.epoch);
  },
  replica(w, d) {
    d.replica = structuredClone(w.hub);
  },
  /** What libSQL makes of a copy when the hub is put back and goes on: some of its pages are missing. */
  mixed(w, d, { x }) {
    d.replica = structuredClone(w.hub);
    const { entries } = d.replica;
    for (const [i, key] of [...entries.keys()].entries())
      if ((i + x) % 3 === 0) entries.delete(key);
  },
  foreign: (w, d) => faults.foreign(w, d),
  wait(w, d, { x }) {
    w.T += [1, 5, 30][x % 3];
  },
};

/** One step of a run: operation `k` on device `d`, with two numbers that say the rest. */
export function step(w, { k, d: di, x, y }) {
  const d = w.devices[di % w.devices.length];
  w.log(`${k} d${d.i} x=${x} y=${y} T=${w.T - START}`);
  OPERATIONS[k](w, d, { row: `r${x % 3}`, task: `t${x % 2}`, x, y });
  if (y % 4 === 0) w.T += 1;
  checkStep(w);
}

/** The worker, undisturbed: until nothing changes any more. */
export function sync(w, d) {
  for (let i = 0; i < 40; i++) {
    const before = fingerprint(w, d);
    const asked = pullAsk(w, d, 3, i === 0); // a stale replica first, then the hub itself
    if (!asked) return;
    const more = pullTake(w, d, asked);
    const pushed = more ? false : push(w, d, 3, 0);
    if (i && !more && !pushed && before === fingerprint(w, d)) return;
  }
}

/** The same of a device that has heard of nothing new: it pushes first, and pulls only if it has to. */
function send(w, d) {
  const { s } = d;
  let last = push(w, d, 3, 0);
  let taken = false;
  for (let i = 0; i < 40 && (last === 'sent' || last === 'spared'); i++) {
    taken ||= last === 'sent';
    last = push(w, d, 3, 0);
  }
  const done = taken && last === false && s.cursor === s.pair.n;
  if (!done && w.R.sendReads) sync(w, d);
  else if (s.on && s.cursor !== w.hub.head) fail(`C3 d${d.i} left entries of others unread`);
}

/** What of a device and the hub tells that an exchange moved something. */
const MOVING = [
  'id', 'storeId', 'epoch', 'cursor', 'pair', 'acked', 'sent', 'icur', 'refused', 'copied', 'nextNum',
  'offer', 'key',
]; // prettier-ignore

function fingerprint(w, { s, spoilt }) {
  const state = MOVING.map((name) => s[name]);
  const sizes = [s.parked, spoilt, s.regs, s.imm, s.chunks].map(({ size }) => size);
  const notes = [[...s.notes], [...s.parkedNotes]];
  return JSON.stringify([w.hub.epoch, w.hub.key, ...state, ...notes, ...sizes]);
}
