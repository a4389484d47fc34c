import { arrayElements, objectMembers, parseJson, patchObject } from './json-text.ts';
import { messageId } from './session.ts';

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
}

/** Each step asks for the id of a message, which may be long in the making. */
type Steps<T> = Generator<UnnamedMessage, T, string>;

export function splitSession(sessionId: string, raw: string): SplitSession {
  const steps = splitSteps(raw);
  let step = steps.next();
  while (!step.done) {
    const { parentId, body } = step.value;
    step = steps.next(messageId(sessionId, parentId, body));
  }
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
  for (const body of chain) end = yield* addRow(rows, end, body, null);
  const skeleton = patchObject(raw, {
    messages: JSON.stringify(end),
    ...(split ? { journal: split.skeleton } : {}),
  });
  // The journal wins over the messages unless its branch is empty.
  const leaf = split?.leaf ?? end;
  return { skeleton, rows: [...rows.values()], leaf, length: pathLength(rows, leaf) };
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
  const rowIds = yield* linkEntries(entries, rows);
  const stripped = texts.map((entry, i) =>
    entries[i]?.holdsMessage ? patchObject(entry, { message: JSON.stringify(rowIds[i]) }) : entry,
  );
  const leafId = parseJson(members.get('leaf_id') ?? 'null');
  const at = entries.findIndex((entry) => entry.id === leafId);
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
  rows: Map<string, SplitMessage>,
): Steps<(string | null)[]> {
  const indexOf = new Map<string, number>();
  entries.forEach((entry, i) => {
    if (!indexOf.has(entry.id)) indexOf.set(entry.id, i);
  });
  const rowIds: (string | null)[] = entries.map(() => null);
  for (let i = 0; i < entries.length; i++) {
    // Up to the first ancestor that has its row, then down again; a cycle is cut where it closes.
    const waiting: number[] = [];
    let at: number | undefined = i;
    while (at !== undefined && rowIds[at] === null && !waiting.includes(at)) {
      waiting.push(at);
      const parentId: string | undefined = entries[at]?.parentId;
      at = parentId === undefined ? undefined : indexOf.get(parentId);
    }
    let parent: string | null = at === undefined ? null : (rowIds[at] ?? null);
    for (const index of waiting.toReversed()) {
      const entry = entries[index] as Entry;
      parent = yield* addRow(rows, parent, entry.body, entry.createdAt);
      rowIds[index] = parent;
    }
  }
  return rowIds;
}

function* addRow(
  rows: Map<string, SplitMessage>,
  parentId: string | null,
  body: string,
  createdAt: string | null,
): Steps<string> {
  const id = yield { parentId, body };
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

function pathLength(rows: ReadonlyMap<string, SplitMessage>, leaf: string | null): number {
  let length = 0;
  for (let at = leaf; at !== null; at = rows.get(at)?.parentId ?? null) length++;
  return length;
}
