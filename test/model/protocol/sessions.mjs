import { append } from './local-writes.mjs';
import { fail, order } from './versions.mjs';

// A session's messages are immutable rows `i|g…|hash` that name the one they follow. Where a device
// stands, its leaf, is its own affair: `{ key, follows }`.

export const isMessage = (key) => key.startsWith('i|g');

export const messagesOf = (s, root) =>
  [...s.imm.values()].filter((m) => m.root === root && isMessage(m.key));

const childrenOf = (messages, key) => messages.filter((m) => m.after === key);

/** The ends of a session's branches. */
export function tips(messages) {
  const parents = new Set(messages.map((m) => m.after));
  return messages.filter((m) => !parents.has(m.key));
}

const newest = (messages) =>
  [...messages].sort((x, y) => order(y.at, x.at) || order(y.key, x.key))[0];

/** Adds a message after the leaf, or after the one that an open handle saw last. */
export function say(w, d, root, { byHandle = false, chunks = null } = {}) {
  const { s } = d;
  const leaf = s.leaves.get(root)?.key ?? null;
  const seen = d.handles.get(root);
  const after = byHandle && seen && s.imm.has(seen) ? seen : leaf;
  const row = append(w, d, `g${++w.wid}`, { root, after, chunks });
  if (row) standAt(d, root, row.key, true);
}

/** The user goes to another message, to go on from there. */
export function setLeaf(w, d, root, n) {
  const messages = messagesOf(d.s, root).sort((x, y) => order(x.key, y.key));
  if (messages.length === 0) return;
  const { key } = messages[n % messages.length];
  const follows = childrenOf(messages, key).length === 0;
  standAt(d, root, key, follows);
  w.log(`    d${d.i} goes to ${key}`);
  if (!follows) d.pinned.set(root, key);
}

function standAt(d, root, key, follows) {
  d.s.leaves.set(root, { key, follows });
  d.handles.set(root, key);
  d.pinned.delete(root);
}

/** After a pull: a leaf moves on along its own branch; a device that has none begins at the newest end. */
export function refreshLeaves(w, d) {
  const { s } = d;
  for (const root of s.stale) {
    const messages = messagesOf(s, root);
    const held = s.leaves.get(root);
    let key = held?.key ?? newest(tips(messages))?.key;
    if (key === undefined) continue;
    if (!held || held.follows || !w.R.leafFollows) key = onward(w, messages, key);
    const pinned = d.pinned.get(root);
    if (pinned && pinned !== key) fail(`C12 d${d.i} left the message that the user went to`);
    if (held && !isBelow(s, key, held.key)) fail(`C12 d${d.i} jumped to another branch of ${root}`);
    s.leaves.set(root, { key, follows: held?.follows ?? true });
  }
  s.stale = new Set();
}

function onward(w, messages, from) {
  if (!w.R.leafOneChild) return newest(tips(messages)).key;
  let key = from;
  for (;;) {
    const next = childrenOf(messages, key);
    if (next.length !== 1) return key;
    key = next[0].key;
  }
}

function isBelow(s, key, ancestor) {
  for (let at = key; at; at = s.imm.get(at)?.after) if (at === ancestor) return true;
  return false;
}

/** Every message is in one place of the tree, on some branch; the leaf is one of them, and not behind. */
export function checkSessions(w, d) {
  const { s } = d;
  for (const root of new Set(
    [...s.imm.values()].filter((m) => isMessage(m.key)).map((m) => m.root),
  )) {
    const messages = messagesOf(s, root);
    const reached = new Set();
    for (const tip of tips(messages)) {
      for (let at = tip.key; at && s.imm.has(at) && !reached.has(at); at = s.imm.get(at).after) {
        reached.add(at);
      }
    }
    for (const m of messages) {
      if (!reached.has(m.key)) fail(`C11 d${d.i} cannot reach ${m.key}`);
      const lost = m.after && !s.imm.has(m.after) && !w.imms.get(m.after).gone;
      if (lost) fail(`C11 d${d.i} lacks what ${m.key} follows`);
    }
    const leaf = s.leaves.get(root);
    if (!leaf || !s.imm.has(leaf.key)) fail(`C11 d${d.i} stands nowhere in ${root}`);
    if (leaf.follows && childrenOf(messages, leaf.key).length === 1) {
      fail(`C12 d${d.i} stays behind on its branch of ${root}`);
    }
  }
}
