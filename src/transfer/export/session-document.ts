import { arrayElements, objectMembers, parseJson, patchObject } from '../../model/json-text.ts';
import { splitSession, type NameMessage, type UnnamedMessage } from '../../model/legacy-session.ts';
import { knownId, type KnownMessages } from '../../model/message-names.ts';
import { messageId } from '../../model/session.ts';
import { legacyTime } from './legacy-names.ts';

/** A message of a session, on its way into the session's file. */
export interface DocumentMessage {
  readonly id: string;
  readonly parentId: string | null;
  /** Unix milliseconds, or null where none is known. */
  readonly createdAt: number | null;
  /** Exact JSON text. */
  readonly body: string;
}

export interface SessionParts {
  readonly id: string;
  /** The skeleton of an imported session, see `splitSession`, or the details of another one. */
  readonly body: string;
  /** All messages, parents before children, by id. */
  readonly messages: ReadonlyMap<string, DocumentMessage>;
  /** The end of the current branch, where this device knows one. */
  readonly leaf: string | null;
  readonly createdAt: number;
}

export interface SessionDocument {
  /** The session with its messages in it. */
  readonly raw: string;
  /** Null where the conversation is as the file had it; else the length of its current branch. */
  readonly length: number | null;
  /** The messages that got a time, which every entry of a journal has, and have none. */
  readonly dated: ReadonlySet<string>;
}

/**
 * Puts a session together again. Where nobody went on with it since it was imported, this gives the
 * text that it came from. Otherwise `messages` is the current branch, and the journal gets what it
 * lacks, so that no branch is lost; a session without a journal gets one when it has branches.
 */
export function joinSession(parts: SessionParts): SessionDocument {
  const joined = joinSkeleton(parts);
  const base = joined?.raw;
  const name = namesOf(parts, joined);
  const split = base === undefined ? undefined : splitSession(base, name);
  const known = new Set(split?.rows.map((row) => row.id));
  const missing = [...parts.messages.values()].filter((message) => !known.has(message.id));
  const implied = split?.leaf ?? null;
  const leaf = currentLeaf(parts, implied, missing);
  if (base !== undefined && missing.length === 0 && leaf === implied) {
    return { raw: base, length: null, dated: new Set() };
  }
  const path = pathTo(parts.messages, leaf);
  const start = base ?? dropConversation(parts.body);
  const journal = base === undefined ? undefined : objectOf(base, 'journal');
  let next: ExtendedJournal | undefined;
  if (joined && journal !== undefined) {
    const entryOf = entryIds(joined, name);
    next = extendJournal(parts, journal, depthOf(start), entryOf, [...missing, ...path]);
  } else if (parts.messages.size > path.length) {
    const all = [...parts.messages.values()];
    next = extendJournal(parts, '{"entries":[]}', depthOf(start), new Map(), all);
  }
  const kept = base !== undefined && leaf === implied;
  return {
    raw: patchObject(start, {
      ...(kept ? {} : { messages: listOf(path) }),
      ...(next === undefined ? { leaf_id: undefined } : moveTo(next, path.at(-1))),
    }),
    length: path.length,
    dated: next?.dated ?? new Set(),
  };
}

interface JoinedSkeleton {
  readonly raw: string;
  /** For each entry of the journal the row that the skeleton names. */
  readonly entryRows: readonly (string | undefined)[];
  /** The same by the ids of the entries. */
  readonly rowOf: ReadonlyMap<string, string>;
}

/** The file's text again, where the body is a skeleton of one. */
function joinSkeleton({ body, messages }: SessionParts): JoinedSkeleton | undefined {
  if (!body.startsWith('{')) return undefined;
  const end = memberOf(body, 'messages');
  if (end === undefined || !(end === 'null' || end.startsWith('"'))) return undefined;
  const list = listOf(pathTo(messages, parseJson(end) as string | null));
  const journal = objectOf(body, 'journal');
  const entries = journal === undefined ? undefined : memberOf(journal, 'entries');
  if (journal === undefined || !entries?.startsWith('[')) {
    return { raw: patchObject(body, { messages: list }), entryRows: [], rowOf: new Map() };
  }
  const texts = arrayElements(entries);
  const entryRows = texts.map(entryRow);
  const joined = texts.map((entry, i) => {
    const message = messages.get(entryRows[i] ?? '');
    return message ? patchObject(entry, { message: message.body }) : entry;
  });
  const raw = patchObject(body, {
    messages: list,
    journal: patchObject(journal, { entries: `[${joined.join(',')}]` }),
  });
  const rowOf = new Map<string, string>();
  for (const [i, entry] of texts.entries()) {
    const [id, row] = [memberOf(entry, 'id'), entryRows[i]];
    if (id?.startsWith('"') && row !== undefined) rowOf.set(parseJson(id) as string, row);
  }
  return { raw, entryRows, rowOf };
}

/** Names the messages of a skeleton as their rows are named, which not always an import made. */
function namesOf({ id, messages }: SessionParts, joined: JoinedSkeleton | undefined): NameMessage {
  const made = ({ parentId, body, twin }: UnnamedMessage) => messageId(id, parentId, body, twin);
  const keyOf = ({ parentId, body }: Pick<UnnamedMessage, 'parentId' | 'body'>) =>
    JSON.stringify([parentId, body]);
  const twins = new Map<string, string[]>();
  for (const message of messages.values()) {
    const key = keyOf(message);
    const others = twins.get(key);
    if (others) others.push(message.id);
    else twins.set(key, [message.id]);
  }
  const known: KnownMessages = {
    ofEntry: (entryId) => joined?.rowOf.get(entryId),
    isOne: (row, message) => {
      const held = messages.get(row);
      return held?.parentId === message.parentId && held.body === message.body;
    },
    twins: (message) => twins.get(keyOf(message)) ?? [],
  };
  return (message) => knownId(known, message, made(message));
}

/** The row that an entry of a skeleton names; none for a kind that holds no message. */
function entryRow(entry: string): string | undefined {
  const message = memberOf(entry, 'message');
  if (!message?.startsWith('"') || memberOf(entry, 'kind') !== '"message"') return undefined;
  return parseJson(message) as string;
}

function currentLeaf(
  { leaf, messages }: SessionParts,
  implied: string | null,
  missing: readonly DocumentMessage[],
): string | null {
  if (leaf !== null && messages.has(leaf)) return leaf;
  return implied ?? missing.at(-1)?.id ?? null;
}

/** The messages from the root to `leaf`. */
function pathTo(
  messages: ReadonlyMap<string, DocumentMessage>,
  leaf: string | null,
): DocumentMessage[] {
  const path = new Set<DocumentMessage>();
  for (let at = leaf; at !== null;) {
    const message = messages.get(at);
    if (!message || path.has(message)) break;
    path.add(message);
    at = message.parentId;
  }
  return [...path].toReversed();
}

/** The journal with entries for `wanted` where it has none. */
function extendJournal(
  parts: SessionParts,
  journal: string,
  depth: string,
  entryOf: Map<string, string>,
  wanted: readonly DocumentMessage[],
): ExtendedJournal {
  const entries = arrayElements(memberOf(journal, 'entries') ?? '[]');
  const lacking = new Set(wanted.filter((message) => !entryOf.has(message.id)));
  const dated = new Set<string>();
  for (const message of parts.messages.values()) {
    if (!lacking.has(message)) continue;
    const parent = message.parentId === null ? undefined : entryOf.get(message.parentId);
    entryOf.set(message.id, message.id);
    if (message.createdAt === null) dated.add(message.id);
    entries.push(
      `{"id":${JSON.stringify(message.id)}` +
        (parent === undefined ? '' : `,"parent_id":${JSON.stringify(parent)}`) +
        `,"kind":"message","message":${message.body}` +
        `,"created_at":${JSON.stringify(legacyTime(message.createdAt ?? parts.createdAt))}` +
        `,"spawn_depth":${depth}}`,
    );
  }
  const raw = patchObject(journal, {
    entries: `[${entries.join(',')}]`,
    ...(memberOf(journal, 'schema_version') === undefined ? { schema_version: '1' } : {}),
    ...(memberOf(journal, 'spawn_depth') === undefined ? { spawn_depth: depth } : {}),
  });
  return { raw, entryOf, dated };
}

interface ExtendedJournal {
  readonly raw: string;
  /** Row to the id of its entry. */
  readonly entryOf: ReadonlyMap<string, string>;
  readonly dated: ReadonlySet<string>;
}

function moveTo(
  { raw, entryOf }: ExtendedJournal,
  last: DocumentMessage | undefined,
): Record<string, string | undefined> {
  const leafId = last && JSON.stringify(entryOf.get(last.id));
  return { journal: patchObject(raw, { leaf_id: leafId }), leaf_id: leafId };
}

/** Row to the id of its journal entry. */
function entryIds({ raw, entryRows }: JoinedSkeleton, name: NameMessage): Map<string, string> {
  const ids = new Map<string, string>();
  const journal = memberOf(raw, 'journal') ?? '{}';
  const entries = arrayElements(memberOf(journal, 'entries') ?? '[]');
  for (const [i, entry] of entries.entries()) {
    const id = memberOf(entry, 'id') ?? '""';
    // The row of an entry that holds no message (a compaction, say; there are few) is the one that
    // the file would open at if the entry were its leaf.
    const row = entryRows[i] ?? splitSession(openedAt(raw, journal, id), name).leaf;
    if (row !== null && !ids.has(row)) ids.set(row, parseJson(id) as string);
  }
  return ids;
}

function openedAt(raw: string, journal: string, leafId: string): string {
  return patchObject(raw, { journal: patchObject(journal, { leaf_id: leafId }) });
}

function depthOf(base: string): string {
  const metadata = objectOf(base, 'metadata');
  const depth = metadata === undefined ? undefined : memberOf(metadata, 'spawn_depth');
  return depth !== undefined && /^\d+$/.test(depth) ? depth : '0';
}

/** Details of a session that no file had: what they say of messages is not to be believed. */
function dropConversation(body: string): string {
  const object = body.startsWith('{') ? body : '{}';
  return patchObject(object, { messages: undefined, journal: undefined, leaf_id: undefined });
}

function listOf(messages: readonly DocumentMessage[]): string {
  return `[${messages.map((message) => message.body).join(',')}]`;
}

function memberOf(raw: string, key: string): string | undefined {
  return objectMembers(raw).find((member) => member.key === key)?.value;
}

/** A member that is an object; `null` is none. */
function objectOf(raw: string, key: string): string | undefined {
  const text = memberOf(raw, key);
  return text?.startsWith('{') ? text : undefined;
}
