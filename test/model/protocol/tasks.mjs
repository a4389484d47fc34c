import { write } from './local-writes.mjs';
import { fail, rowOf } from './versions.mjs';
import { descends } from './pull.mjs';

// A task `t0`, `t1`: one lifecycle register with `{ owner, state }`. Who runs it is in memory only.

const keyOf = (task) => `m|${task}|life`;
const taskAt = (s, task) => s.regs.get(keyOf(task));

function change(w, d, task, { a, t = 0, ...data }) {
  return write(w, d, keyOf(task), { a, t, data });
}

export function create(w, d, task) {
  if (w.created.has(task)) return;
  w.created.add(task);
  change(w, d, task, { a: 1, owner: d.s.id, state: 'queued' });
}

const owns = (w, d, cur) => cur && (!w.R.ownerOnly || cur.data.owner === d.s.id);

/** Begins a task that is this device's. */
export function claim(w, d, task) {
  const cur = taskAt(d.s, task);
  if (!owns(w, d, cur) || cur.data.state !== 'queued' || d.runs.has(task)) return;
  change(w, d, task, { a: cur.ver.a, owner: d.s.id, state: 'running' });
  d.runs.add(task);
  w.stats.claims++;
}

export function report(w, d, task) {
  const cur = taskAt(d.s, task);
  if (!d.runs.has(task)) return;
  if (w.R.askApart) write(w, d, `m|${task}|notes`);
  else change(w, d, task, { a: cur.ver.a, ...cur.data, isReport: true });
}

/** Anybody may ask that a run stops. */
export function askToStop(w, d, task) {
  const cur = taskAt(d.s, task);
  if (cur?.data.state !== 'running' || cur.data.asked) return;
  w.asked.push(change(w, d, task, { a: cur.ver.a, ...cur.data, asked: true }));
}

export function end(w, d, task) {
  if (!d.runs.delete(task)) return;
  const cur = taskAt(d.s, task);
  change(w, d, task, { a: cur.ver.a, t: 1, owner: cur.data.owner, state: 'done' });
}

/** Puts work back that this device was at when it ended. */
export function recover(w, d, task) {
  const cur = taskAt(d.s, task);
  if (!owns(w, d, cur) || cur.data.state !== 'running' || d.runs.has(task)) return;
  const running = w.devices.find((x) => x !== d && x.runs.has(task) && x.s.id === cur.data.owner);
  if (running && running.s.id !== d.s.id) {
    fail(`C14 d${d.i} recovered ${task} while its owner d${running.i} was at it`);
  }
  const a = w.R.recoverKeeps ? cur.ver.a : cur.ver.a + 1;
  change(w, d, task, { a, owner: d.s.id, state: 'queued' });
}

/** The user gives a task to a device, or takes one over (that of a former self, say). */
export function handOver(w, d, task, to) {
  const cur = taskAt(d.s, task);
  if (!cur || cur.data.state === 'done' || cur.data.owner === to) return;
  d.runs.delete(task);
  const a = w.R.handOverRaises ? cur.ver.a + 1 : cur.ver.a;
  w.grants.push(change(w, d, task, { a, owner: to, state: 'queued' }));
}

/** Reopens what has ended. */
export function retry(w, d, task) {
  const cur = taskAt(d.s, task);
  if (cur?.data.state !== 'done') return;
  const wid = change(w, d, task, { a: cur.ver.a + 1, owner: cur.data.owner, state: 'queued' });
  w.grants.push(wid);
}

/** Work stops here when it is found to be another's, or over. */
export function stopForeignRuns(d) {
  for (const task of d.runs) {
    const { owner, state } = taskAt(d.s, task).data;
    if (owner !== d.s.id || state !== 'running') d.runs.delete(task);
  }
}

/** Who is at a task believes it to be its own; two devices are so only as copies of one store. */
export function checkRuns(w) {
  for (const task of w.created) {
    const at = w.devices.filter((d) => d.runs.has(task));
    for (const d of at) {
      const { owner, state } = taskAt(d.s, task).data;
      if (owner !== d.s.id || state !== 'running')
        fail(`C14 d${d.i} is at ${task}, which is not its own`);
    }
    for (const [n, x] of at.entries()) {
      for (const y of at.slice(n + 1)) {
        const copies = x.s.id === y.s.id && (x.cause || y.cause);
        const handed = w.grants.some((wid) => w.writes.get(wid).key === keyOf(task));
        if (!copies && !handed) fail(`C14 d${x.i} and d${y.i} are both at ${task}`);
      }
    }
  }
}

/**
 * C15 what the user said last of a task's owner stands, or was built upon. Of two who said so apart, at
 * the same attempt, either may win.
 */
export function checkGrants(w, first) {
  for (const task of w.created) {
    const cur = taskAt(first, task);
    const grants = w.grants.map((wid) => w.writes.get(wid)).filter((g) => g.key === keyOf(task));
    const kept = grants.filter((g) => !g.gone);
    const attempt = Math.max(...kept.map((g) => g.stamp.a));
    // One that is gone may have been built upon before it went.
    const last = grants.filter((g) => g.stamp.a === attempt);
    const stands = last.some((g) => cur?.wid === g.wid || (cur && descends(w, cur.wid, g.wid)));
    if (cur && kept.length > 0 && !stands) {
      fail(`C15 a change of owner of ${task} (w${last[0].wid}) was undone by w${cur.wid}`);
    }
  }
}

/** C20 that a run is to stop is undone by no report of it that knew nothing of that. */
export function checkAsked(w, first) {
  for (const wid of w.asked) {
    const { key, gone, lowered } = w.writes.get(wid);
    const cur = first.regs.get(key);
    if (gone || lowered || !cur?.data?.isReport || cur.data.asked) continue;
    const by = w.writes.get(cur.wid);
    if (by.stamp.a === w.writes.get(wid).stamp.a && !descends(w, cur.wid, wid)) {
      fail(`C20 that ${rowOf(key)} is to stop (w${wid}) was undone by the report w${cur.wid}`);
    }
  }
}
