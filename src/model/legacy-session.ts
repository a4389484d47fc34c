import { arrayElements, objectMembers, parseJson, patchObject } from './json-text.ts';

/**
 * A session file taken apart: messages become rows, the rest stays as a skeleton that names them.
 *
 * In the skeleton `messages` is the id of the last row of that list (its rows are linked to their
 * parents, so the end tells all), and the `message` of each journal entry is the id of its row.
 */
export interface SplitSession {
  readonly skeleton: string;
  readonly rows: readonly SplitMessage[];
  /** The end of the conversation as the old program would load it. */
  readonly leaf: string | null;
  /** How many messages lead to it. */
  readonly length: number;
}

export interface SplitMessage {
  readonly id: string;
  readonly parentId: string | null;
  readonly role: string;
  /** Exact JSON text of the message. */
  readonly body: string;
  /** RFC 3339, where a journal entry tells. */
  readonly createdAt: string | null;
}

interface Entry {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly body: string;
  readonly createdAt: string;
  /** Set where the entry holds a message word for word; other kinds are kept in the skeleton. */
  readonly holdsMessage: boolean;
}

/** A message of which the id is asked, see `messageId`. */
export interface UnnamedMessage {
  readonly parentId: string | null;
  readonly body: string;
  readonly twin: number;
  /** The journal entry that holds it. */
  readonly entryId?: string | undefined;
  /** Of a message of the list, the row of the same words at its place in the journal's branch. */
  readonly onBranch?: string | undefined;
}

export type NameMessage = (message: UnnamedMessage) => string;

/** Each step asks for the id of a message, which may be long in the making. */
type Steps<T> = Generator<UnnamedMessage, T, string>;

/** @param name - gives a message its id */
export function splitSession(raw: string, name: NameMessage): SplitSession {
  const steps = splitSteps(raw);
  let step = steps.next();
  while (!step.done) step = steps.next(name(step.value));
  return step.value;
}

/** As {@link splitSession}, for a caller that makes the ids of the messages. */
export function* splitSteps(raw: string): Steps<SplitSession> {
  const members = new Map(objectMembers(raw).map(({ key, value }) => [key, value]));
  const rows = new Map<string, SplitMessage>();
  const chain = arrayElements(members.get('messages') ?? '[]');
  const journal = members.get('journal') ?? 'null';
  const split = journal === 'null' ? null : yield* splitJournal(journal, rows);
  let end: string | null = null;
  const branch = branchTo(rows, split?.leaf ?? null);
  for (const [i, body] of chain.entries()) {
    const beside: SplitMessage | undefined = rows.get(branch[i] ?? '');
    const onBranch: string | undefined =
      beside?.parentId === end && beside.body === body ? branch[i] : undefined;
    end = yield* addRow(rows, { parentId: end, body, twin: 0, onBranch }, null);
  }
  const skeleton = patchObject(raw, {
    messages: JSON.stringify(end),
    ...(split ? { journal: split.skeleton } : {}),
  });
  // The journal wins over the messages unless its branch is empty.
  const leaf = split?.leaf ?? end;
  return { skeleton, rows: [...rows.values()], leaf, length: branchTo(rows, leaf).length };
}

/** Where the conversation of a file ends, by its skeleton: tells whether it moved. */
export function conversationEnd(skeleton: string): string {
  if (!skeleton.startsWith('{')) return '';
  const members = new Map(objectMembers(skeleton).map(({ key, value }) => [key, value]));
  const journal = members.get('journal');
  const leafId = journal?.startsWith('{')
    ? objectMembers(journal).find(({ key }) => key === 'leaf_id')?.value
    : undefined;
  return `${members.get('messages') ?? ''} ${leafId ?? ''}`;
}

function* splitJournal(
  journal: string,
  rows: Map<string, SplitMessage>,
): Steps<{ skeleton: string; leaf: string | null }> {
  const members = new Map(objectMembers(journal).map(({ key, value }) => [key, value]));
  const texts = arrayElements(members.get('entries') ?? '[]');
  const entries = texts.map(readEntry);
  const leafId = parseJson(members.get('leaf_id') ?? 'null');
  const at = entries.findIndex((entry) => entry.id === leafId);
  const rowIds = yield* linkEntries(entries, at, rows);
  const stripped = texts.map((entry, i) =>
    entries[i]?.holdsMessage ? patchObject(entry, { message: JSON.stringify(rowIds[i]) }) : entry,
  );
  return {
    skeleton: members.has('entries')
      ? patchObject(journal, { entries: `[${stripped.join(',')}]` })
      : journal,
    leaf: at < 0 ? null : (rowIds[at] ?? null),
  };
}

/** Gives each entry its row, parents before children; the id of an entry is unique in its session. */
function* linkEntries(
  entries: readonly Entry[],
  leaf: number,
  rows: Map<string, SplitMessage>,
): Steps<(string | null)[]> {
  const parentOf = parentsOf(entries);
  const rowIds: (string | null)[] = entries.map(() => null);
  const order = [...entries.keys()];
  // Parents that form a cycle: the old program goes up from the leaf, and so it is cut as it shows it.
  if (leaf >= 0 && upFrom(leaf, parentOf).end !== undefined) order.unshift(leaf);
  for (const i of order) {
    // Up to the first ancestor that has its row, then down again; a cycle is cut where it closes.
    const { path, end } = upFrom(i, parentOf, (at) => rowIds[at] !== null);
    let parent: string | null = end === undefined ? null : (rowIds[end] ?? null);
    for (const index of path.toReversed()) {
      const entry = entries[index] as Entry;
      const { body, id: entryId } = entry;
      parent = yield* addRow(rows, { parentId: parent, body, twin: 0, entryId }, entry.createdAt);
      rowIds[index] = parent;
    }
  }
  yield* partTwins(entries, rowIds, new Set(parentOf), rows);
  return rowIds;
}

/** For each entry the place of its parent; the first of several of one id counts. */
function parentsOf(entries: readonly Entry[]): (number | undefined)[] {
  const indexOf = new Map<string, number>();
  entries.forEach((entry, i) => {
    if (!indexOf.has(entry.id)) indexOf.set(entry.id, i);
  });
  return entries.map(({ parentId }) =>
    parentId === undefined ? undefined : indexOf.get(parentId),
  );
}

/** The entries from `start` upwards, and the one that ends them: it was met before, or `known` says so. */
function upFrom(
  start: number,
  parentOf: readonly (number | undefined)[],
  known: (at: number) => boolean = () => false,
): { path: number[]; end: number | undefined } {
  const path = new Set<number>();
  let at: number | undefined = start;
  while (at !== undefined && !known(at) && !path.has(at)) {
    path.add(at);
    at = parentOf[at];
  }
  return { path: [...path], end: at };
}

/**
 * Siblings with the same content share a row, and what follows them follows it: a journal that is made
 * anew keeps its rows. One that nothing follows is the end of a branch, and needs a row of its own
 * where something follows the others: else its branch would be gone.
 */
function* partTwins(
  entries: readonly Entry[],
  rowIds: (string | null)[],
  parents: ReadonlySet<number | undefined>,
  rows: Map<string, SplitMessage>,
): Steps<void> {
  const followed = new Set([...rows.values()].map(({ parentId }) => parentId));
  const firstOf = new Map(entries.map(({ id }, i) => [id, i] as const).toReversed());
  for (const [i, { id, body, createdAt }] of entries.entries()) {
    const row = rows.get(rowIds[i] ?? '');
    if (row === undefined || !followed.has(row.id) || parents.has(firstOf.get(id))) continue;
    const message = { parentId: row.parentId, body, twin: 1, entryId: id };
    rowIds[i] = yield* addRow(rows, message, createdAt);
  }
}

function* addRow(
  rows: Map<string, SplitMessage>,
  message: UnnamedMessage,
  createdAt: string | null,
): Steps<string> {
  const { parentId, body } = message;
  const id = yield message;
  if (!rows.has(id)) {
    const { role } = parseJson(body) as { role: string };
    rows.set(id, { id, parentId, role, body, createdAt });
  }
  return id;
}

function readEntry(text: string): Entry {
  const members = new Map(objectMembers(text).map(({ key, value }) => [key, value]));
  const string = (key: string) => {
    const value = parseJson(members.get(key) ?? 'null');
    return typeof value === 'string' ? value : undefined;
  };
  const message = members.get('message');
  const kind = string('kind');
  return {
    id: string('id') ?? '',
    parentId: string('parent_id'),
    createdAt: string('created_at') ?? '',
    holdsMessage: kind === 'message' && message !== undefined,
    body: kind === 'message' && message !== undefined ? message : projectEntry(kind, string),
  };
}

/** How the old program shows an entry that is no message. */
function projectEntry(
  kind: string | undefined,
  string: (key: string) => string | undefined,
): string {
  const say = (role: string, text: string) =>
    JSON.stringify({ role, content: [{ type: 'text', text }] });
  switch (kind) {
    case 'user':
    case 'assistant':
      return say(kind, string('text') ?? '');
    case 'compaction':
      return say('system', `[compaction summary] ${string('summary') ?? ''}`);
    case 'branch_summary':
      return say('system', `[branch summary] ${string('summary') ?? ''}`);
    default:
      return say('system', string('content') ?? '');
  }
}

/** The ids from the root to `leaf`. */
function branchTo(rows: ReadonlyMap<string, SplitMessage>, leaf: string | null): string[] {
  const branch: string[] = [];
  for (let at = leaf; at !== null; at = rows.get(at)?.parentId ?? null) branch.push(at);
  return branch.toReversed();
}
