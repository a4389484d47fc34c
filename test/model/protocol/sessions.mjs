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

/** The newest end of the branches that begin at a root, and so are here without a gap, or of all. */
function newest(s, ends) {
  const sorted = [...ends].sort((x, y) => order(y.at, x.at) || order(y.key, x.key));
  const isWhole = ({ key }) => !s.imm.get(pathTo(s, key).at(-1)).after;
  return sorted.find(isWhole) ?? sorted[0];
}

const newestBelow = (s, ends, top) =>
  newest(
    s,
    ends.filter(({ key }) => isBelow(s, key, top)),
  );

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
  standAt(d, root, key, false);
  w.log(`    d${d.i} goes to ${key}`);
  d.chosen.set(root, { key, isEnd: childrenOf(messages, key).length === 0 });
}

function standAt(d, root, key, follows) {
  d.s.leaves.set(root, { key, follows });
  d.s.grown.delete(root);
  d.handles.set(root, key);
  d.chosen.delete(root);
}

/** A message came. Whether the user chose an end or an inner message tells the first that follows it. */
export function noteGrowth(s, { key, root, after }) {
  const leaf = s.leaves.get(root);
  if (!leaf || leaf.follows || leaf.key !== after) return;
  const isFirst = childrenOf(messagesOf(s, root), after).every((m) => m.key === key);
  if (isFirst) s.grown.add(root);
}

/**
 * After a pull: every device goes to the newest end, but stays below what it has a reason to stay at:
 * the last message of its own that leads to its leaf, or the end that its user chose. An inner message
 * that the user chose it does not leave at all.
 */
export function refreshLeaves(w, d) {
  const { s } = d;
  for (const root of s.stale) {
    const messages = messagesOf(s, root);
    const held = s.leaves.get(root);
    const key = nextLeaf(w, s, messages, held, s.grown.has(root));
    if (key === undefined) continue;
    s.leaves.set(root, { key, follows: held?.follows ?? true });
    checkMove(d, root, held?.key, key);
  }
  s.stale = new Set();
  s.grown = new Set();
}

function nextLeaf(w, s, messages, held, grown) {
  const ends = tips(messages);
  if (!held) return newest(s, ends)?.key;
  if (!held.follows && w.R.leafChosen) {
    if (!grown || !w.R.leafGrows) return held.key;
    return newestBelow(s, ends, held.key).key;
  }
  if (!w.R.leafNewest) return held.key;
  const reason = w.R.leafOwn ? pathTo(s, held.key).find((key) => isOwn(s, key)) : undefined;
  return (reason ? newestBelow(s, ends, reason) : newest(s, ends)).key;
}

/** C12: a device leaves neither what its user chose nor what it wrote. */
function checkMove(d, root, from, to) {
  const { s } = d;
  const chosen = d.chosen.get(root);
  if (chosen && !isBelow(s, to, chosen.key)) fail(`C12 d${d.i} left what its user chose`);
  if (chosen && !chosen.isEnd && to !== chosen.key) {
    fail(`C12 d${d.i} went on from the message that its user went back to`);
  }
  const left = pathTo(s, from).find((key) => isOwn(s, key) && !isBelow(s, to, key));
  if (left) fail(`C12 d${d.i} left ${left}, which it wrote`);
}

const isOwn = (s, key) => [s.id, ...s.formerIds].includes(s.imm.get(key).by);

/** From a message up to the root. */
function pathTo(s, from) {
  const path = [];
  for (let at = from; at && s.imm.has(at); at = s.imm.get(at).after) path.push(at);
  return path;
}

const isBelow = (s, key, ancestor) => pathTo(s, key).includes(ancestor);

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
    const chosen = d.chosen.get(root);
    const stays = chosen && !chosen.isEnd;
    const reason = chosen?.key ?? pathTo(s, leaf.key).find((key) => isOwn(s, key));
    const open = tips(messages).filter(({ key }) => !reason || isBelow(s, key, reason));
    if (leaf.follows && !reason && leaf.key !== newest(s, tips(messages)).key) {
      fail(`C22 d${d.i} has no reason to be away from the newest end of ${root}`);
    }
    if ((leaf.follows || chosen?.isEnd) && !open.some(({ key }) => key === leaf.key)) {
      fail(`C22 d${d.i} stays behind on its branch of ${root}`);
    }
  }
}
