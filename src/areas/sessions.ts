import { ulid } from 'ulid';
import { storeBody, loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import type { Reader } from '../db/reader.ts';
import { indexDoc, removeDoc } from '../db/search-index.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { messageText } from '../model/message-text.ts';
import { sessions as table } from '../model/registers.ts';
import * as schema from '../model/session.ts';
import type {
  Message,
  Session,
  SessionBranch,
  SessionCreate,
  SessionListOptions,
  SessionMessage,
  SessionSummary,
  SessionUpdate,
} from '../model/session.ts';
import { formatTime } from '../model/time.ts';
import { idSchema, validate } from '../model/validate.ts';
import * as z from 'zod';
import { between, found, readPage, type Condition, type Page } from './page.ts';
import type { Runner } from './runner.ts';
import {
  MESSAGE_COLUMNS,
  SESSION_COLUMNS,
  branchLength,
  currentLeaf,
  setLeaf,
  toMessage,
  toSession,
  walkBranch,
  type MessageRow,
  type SessionRow,
} from './session-rows.ts';

const SORTS = {
  updated: { sort: 'updated_at', descending: true },
  created: { sort: 'created_at', descending: true },
  title: { sort: 'title collate nocase', descending: false },
  messages: { sort: 'message_count', descending: true },
} as const;

/** Conversations with their branches. Every method rejects with a `StoreError`. */
export class Sessions {
  readonly #runner: Runner;
  /** Session to the message that this handle saw last: what an append goes on from. */
  readonly #seen: Map<string, string>;

  constructor(runner: Runner, seen = new Map<string, string>()) {
    this.#runner = runner;
    this.#seen = seen;
  }

  /** @throws `ConflictError` the id is taken */
  async create(input: SessionCreate): Promise<Session> {
    const session = validate(schema.sessionCreateSchema, input, 'session');
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      const id = session.id ?? ulid(now);
      if (findSession(transaction, id)) throw new ConflictError(`the session ${id} exists already`);
      const createdAt = session.createdAt ?? now;
      transaction.insert(table, {
        id,
        title: session.title,
        workspace: session.workspace,
        model: session.model,
        parent_id: session.parentId,
        created_at: createdAt,
        archived_at: null,
        deleted_at: null,
        updated_at: createdAt,
        message_count: 0,
        ...storeBody(transaction, JSON.stringify(session.details)),
      });
      indexSession(transaction, id);
      return readSession(transaction, id);
    });
  }

  /** @throws `NotFoundError`; a deleted session is found, with `deletedAt` set */
  async get(id: string): Promise<Session> {
    validate(idSchema, id, 'session id');
    return this.#runner.read((reader) => readSession(reader, id));
  }

  async list(options: SessionListOptions = {}): Promise<Page<SessionSummary>> {
    const query = validate(schema.sessionListSchema, options, 'session list');
    const where: Condition[] = [
      { sql: query.deleted ? 'deleted_at is not null' : 'deleted_at is null' },
      ...between('updated_at', query.since, query.until),
    ];
    if (query.workspace !== undefined) {
      where.push({ sql: 'workspace = ?', params: [query.workspace] });
    }
    if (!query.deleted && query.archived !== 'include') {
      where.push({ sql: `archived_at is ${query.archived === 'only' ? 'not null' : 'null'}` });
    }
    return this.#runner.read((reader) => {
      const page = readPage<SessionRow>(reader, {
        table: 'sessions',
        columns: SESSION_COLUMNS,
        where,
        ...SORTS[query.sort],
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map(toSession) };
    });
  }

  async update(id: string, input: SessionUpdate): Promise<Session> {
    const changes = validate(schema.sessionUpdateSchema, input, 'session');
    const { details, ...columns } = changes;
    return this.#change(id, (transaction) => ({
      ...(columns as Row),
      ...(details ? storeBody(transaction, JSON.stringify(details)) : {}),
      updated_at: transaction.now(),
    }));
  }

  /** Sets the title; `updatedAt` stays, as a rename is no work on the session. */
  async rename(id: string, title: string): Promise<Session> {
    const clean = validate(schema.titleSchema, title, 'title');
    return this.#change(id, () => ({ title: clean }));
  }

  async archive(id: string): Promise<Session> {
    return this.#change(id, (transaction, old) => ({
      archived_at: old.archived_at ?? transaction.now(),
    }));
  }

  async unarchive(id: string): Promise<Session> {
    return this.#change(id, () => ({ archived_at: null }));
  }

  /** Hides the session; `restore` brings everything back. */
  async delete(id: string): Promise<Session> {
    return this.#change(id, (transaction, old) => ({
      deleted_at: old.deleted_at ?? transaction.now(),
    }));
  }

  async restore(id: string): Promise<Session> {
    return this.#change(id, () => ({ deleted_at: null }));
  }

  /** Copies a session up to a message into a new one that names it as its parent. */
  async fork(id: string, options: z.input<typeof schema.forkSchema> = {}): Promise<Session> {
    validate(idSchema, id, 'session id');
    const fork = validate(schema.forkSchema, options, 'fork');
    return this.#runner.write((transaction) => {
      const source = readSession(transaction, id);
      const leaf = fork.at ?? currentLeaf(transaction, id);
      if (leaf !== null) memberOf(transaction, id, leaf);
      const path = leaf === null ? [] : walkBranch(transaction, leaf, Number.MAX_SAFE_INTEGER);
      const now = transaction.now();
      const newId = ulid(now);
      transaction.insert(table, {
        id: newId,
        title: fork.title ?? source.title,
        workspace: source.workspace,
        model: source.model,
        parent_id: id,
        created_at: now,
        archived_at: null,
        deleted_at: null,
        updated_at: now,
        message_count: path.length,
        ...storeBody(transaction, JSON.stringify(forkDetails(source.details, path.length))),
      });
      let parent: string | null = null;
      for (const message of path.toReversed()) {
        const body = loadBody(transaction, message);
        const messageId = schema.messageId(newId, parent, body);
        insertMessage(transaction, {
          id: messageId,
          sessionId: newId,
          parentId: parent,
          role: message.role,
          createdAt: message.created_at,
          body,
        });
        parent = messageId;
      }
      if (parent !== null) setLeaf(transaction, newId, parent);
      indexSession(transaction, newId);
      return readSession(transaction, newId);
    });
  }

  /**
   * Adds messages to the end of a branch and makes them the current one, in one transaction.
   *
   * Without `parent` they follow the last message that this handle saw, so that two programs that
   * go on with one session do not mix their messages: each gets a branch of its own.
   *
   * @returns the ids of the new messages, in order
   */
  async appendMessages(
    id: string,
    messages: readonly Message[],
    options: z.input<typeof schema.appendSchema> = {},
  ): Promise<string[]> {
    validate(idSchema, id, 'session id');
    const list = validate(z.array(schema.messageSchema), messages, 'messages');
    const { parent } = validate(schema.appendSchema, options, 'append');
    const ids = await this.#runner.write((transaction) => {
      const session = found(findSession(transaction, id), 'session', id);
      const current = currentLeaf(transaction, id);
      let previous = parent === undefined ? (this.#seen.get(id) ?? current) : parent;
      if (previous !== null) memberOf(transaction, id, previous);
      const follows = previous === current;
      const now = transaction.now();
      const added: string[] = [];
      for (const message of list) {
        const content =
          typeof message.content === 'string'
            ? [{ type: 'text', text: message.content }]
            : message.content;
        const messageId = ulid(now);
        const body = JSON.stringify({ ...message, content });
        insertMessage(transaction, {
          id: messageId,
          sessionId: id,
          parentId: previous,
          role: message.role,
          createdAt: now,
          body,
        });
        previous = messageId;
        added.push(messageId);
      }
      if (previous === null || added.length === 0) return added;
      setLeaf(transaction, id, previous);
      const count = follows
        ? session.message_count + added.length
        : branchLength(transaction, previous);
      transaction.update(table, id, { updated_at: now, message_count: count });
      return added;
    });
    const last = ids.at(-1);
    if (last !== undefined) this.#seen.set(id, last);
    return ids;
  }

  /** The current branch, oldest first; with a limit its newest part, and `nextCursor` leads back. */
  async messages(
    id: string,
    options: z.input<typeof schema.messagesSchema> = {},
  ): Promise<Page<SessionMessage>> {
    validate(idSchema, id, 'session id');
    const query = validate(schema.messagesSchema, options, 'messages');
    return this.#runner.read((reader) => {
      found(findSession(reader, id), 'session', id);
      const start = query.cursor ?? query.leaf ?? currentLeaf(reader, id);
      if (start === null) return { items: [], nextCursor: null };
      memberOf(reader, id, start);
      if (!query.cursor && !query.leaf) this.#seen.set(id, start);
      const rows = walkBranch(reader, start, query.limit);
      const items = rows.toReversed().map((row) => toMessage(reader, row));
      const oldest = rows.at(-1);
      const more = oldest?.parent_id ?? null;
      return { items, nextCursor: more !== null && findMessage(reader, more) ? more : null };
    });
  }

  /** Every branch by its last message, newest first. */
  async branches(id: string): Promise<SessionBranch[]> {
    validate(idSchema, id, 'session id');
    return this.#runner.read((reader) => {
      found(findSession(reader, id), 'session', id);
      const current = currentLeaf(reader, id);
      const leaves = reader.list<{ id: string; created_at: number | null }>(
        ['id', 'created_at'],
        `from session_messages m where session_id = ?
         and not exists (select 1 from session_messages c where c.parent_id = m.id)
         order by number desc`,
        [id],
      );
      return leaves.map((leaf) => ({
        leaf: leaf.id,
        messageCount: branchLength(reader, leaf.id),
        updatedAt: formatTime(leaf.created_at),
        current: leaf.id === current,
      }));
    });
  }

  /** Goes to another branch, or back on this one: later appends follow `leaf`. */
  async setCurrent(id: string, leaf: string): Promise<Session> {
    validate(idSchema, leaf, 'message id');
    const session = await this.#change(id, (transaction) => {
      memberOf(transaction, id, leaf);
      setLeaf(transaction, id, leaf);
      return { message_count: branchLength(transaction, leaf) };
    });
    this.#seen.set(id, leaf);
    return session;
  }

  async #change(
    id: string,
    changes: (transaction: Transaction, old: SessionRow) => Row,
  ): Promise<Session> {
    validate(idSchema, id, 'session id');
    return this.#runner.write((transaction) => {
      const old = found(findSession(transaction, id), 'session', id);
      const changed = transaction.update(table, id, changes(transaction, old));
      if (changed.includes('title')) indexSession(transaction, id);
      return readSession(transaction, id);
    });
  }
}

interface NewMessage {
  readonly id: string;
  readonly sessionId: string;
  readonly parentId: string | null;
  readonly role: string;
  readonly createdAt: number | null;
  readonly body: string;
}

function insertMessage(transaction: Transaction, message: NewMessage): void {
  transaction.insertPlain('session_messages', [
    {
      id: message.id,
      device: transaction.device,
      session_id: message.sessionId,
      parent_id: message.parentId,
      role: message.role,
      created_at: message.createdAt,
      ...storeBody(transaction, message.body),
    },
  ]);
  const doc = {
    kind: 'message',
    refId: message.id,
    ownerId: message.sessionId,
    at: message.createdAt ?? transaction.now(),
  } as const;
  indexDoc(transaction, doc, messageText(JSON.parse(message.body)));
}

function findSession(reader: Reader, id: string): SessionRow | undefined {
  return reader.first<SessionRow>(SESSION_COLUMNS, 'from sessions where id = ?', [id]);
}

function readSession(reader: Reader, id: string): Session {
  const row = reader.first<SessionRow & BodyColumns>(
    [...SESSION_COLUMNS, 'body', 'body_hash'],
    'from sessions where id = ?',
    [id],
  );
  const session = found(row, 'session', id);
  return { ...toSession(session), details: sessionDetails(loadBody(reader, session)) };
}

/** What a session file holds besides its messages and what has a column of its own. */
function sessionDetails(body: string): Record<string, unknown> {
  const {
    messages: _messages,
    journal: _journal,
    ...details
  } = JSON.parse(body) as Record<string, unknown>;
  return details;
}

function forkDetails(
  details: Record<string, unknown>,
  messageCount: number,
): Record<string, unknown> {
  const metadata = details['metadata'];
  const depth = (metadata as { spawn_depth?: number } | undefined)?.spawn_depth ?? 0;
  return {
    ...details,
    metadata: {
      ...(typeof metadata === 'object' ? metadata : {}),
      forked_from_message_count: messageCount,
      spawn_depth: depth + 1,
    },
  };
}

function findMessage(reader: Reader, id: string): MessageRow | undefined {
  return reader.first<MessageRow>(MESSAGE_COLUMNS, 'from session_messages where id = ?', [id]);
}

function memberOf(reader: Reader, sessionId: string, messageId: string): void {
  if (findMessage(reader, messageId)?.session_id !== sessionId) {
    throw new NotFoundError(`message of the session ${sessionId}`, messageId);
  }
}

function indexSession(transaction: Transaction, id: string): void {
  const row = found(findSession(transaction, id), 'session', id);
  if (row.deleted_at !== null) {
    removeDoc(transaction, 'session', id);
    return;
  }
  indexDoc(transaction, { kind: 'session', refId: id, ownerId: id, at: row.updated_at }, row.title);
}
