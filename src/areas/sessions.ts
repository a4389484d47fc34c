import { storeBody } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { workedOnAt } from '../db/worked-on.ts';
import { ConflictError } from '../errors.ts';
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
import { knownIdSchema, validate } from '../model/validate.ts';
import { placeOf } from '../model/workspace.ts';
import * as z from 'zod';
import { listBranches } from './branch-ends.ts';
import { CallOrder } from './call-order.ts';
import { findRepository } from './find-repository.ts';
import { prepareMessage, readMessages, stagingOf, wholeMessages } from './large-messages.ts';
import { chooseLeaf, countBranch, currentLeaf, isMember, moveLeaf } from './message-tree.ts';
import { newUlid } from './new-id.ts';
import { found, type Page } from './page.ts';
import { refusePurged } from './purged.ts';
import type { Runner } from './runner.ts';
import type { SeenLeaves } from './seen-leaves.ts';
import { forkSession } from './session-fork.ts';
import { listSessions } from './session-list.ts';
import {
  findSession,
  indexSession,
  insertMessage,
  memberOf,
  moveSession,
  readSession,
  storeDetails,
} from './session-records.ts';
import { SESSION_TREE, startOf, walkBranch, type SessionRow } from './session-rows.ts';
import { recordPlace } from './workspaces.ts';

/** Conversations with their branches. Every method rejects with a `StoreError`. */
export class Sessions {
  readonly #runner: Runner;
  readonly #seen: SeenLeaves;
  readonly #order = new CallOrder();

  constructor(runner: Runner, seen: SeenLeaves) {
    this.#runner = runner;
    this.#seen = seen;
  }

  /** @throws `ConflictError` the id is taken */
  async create(input: SessionCreate): Promise<Session> {
    const session = validate(schema.sessionCreateSchema, input, 'session');
    const repository = findRepository(session.workspace);
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      const id = session.id ?? newUlid(now);
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
        message_count: 0,
        ...storeBody(transaction, JSON.stringify(session.details)),
      });
      const { device } = transaction;
      const place = repository && placeOf(session.workspace, repository, device);
      recordPlace(transaction, device, session.workspace, place);
      indexSession(transaction, id);
      return readSession(transaction, id);
    });
  }

  /** @throws `NotFoundError` also of a purged one; a deleted one is found, with `deletedAt` set */
  async get(id: string): Promise<Session> {
    validate(knownIdSchema, id, 'session id');
    return this.#runner.read((reader) => readSession(reader, id));
  }

  /**
   * A page of sessions. Those of a `workspace` include what other devices did in the same place of
   * the same git repository; see {@link SessionSummary.workspace}.
   */
  async list(options: SessionListOptions = {}): Promise<Page<SessionSummary>> {
    const query = validate(schema.sessionListSchema, options, 'session list');
    const { workspace } = query;
    const repository = workspace === undefined ? undefined : findRepository(workspace);
    const { page, unknown } = await this.#runner.read((reader) =>
      listSessions(reader, query, repository),
    );
    if (workspace !== undefined && unknown) {
      // Beside the answer, which neither waits for it nor fails with it: a store may be read-only.
      this.#runner
        .write((transaction) => {
          recordPlace(transaction, transaction.device, workspace, unknown);
        })
        .catch(() => undefined);
    }
    return page;
  }

  async update(id: string, input: SessionUpdate): Promise<Session> {
    const changes = validate(schema.sessionUpdateSchema, input, 'session');
    const { details, workspace, ...columns } = changes;
    const repository = workspace === undefined ? undefined : findRepository(workspace);
    return this.#change(id, (transaction, old) => ({
      ...(columns as Row),
      ...(workspace === undefined ? {} : moveSession(transaction, old, workspace, repository)),
      ...(details ? storeDetails(transaction, id, details) : {}),
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
    validate(knownIdSchema, id, 'session id');
    const fork = validate(schema.forkSchema, options, 'fork');
    return this.#runner.write((transaction) => forkSession(transaction, id, fork));
  }

  /**
   * Adds messages to the end of a branch and makes them the current one, in one transaction.
   *
   * Without `parent` they follow the last message that this handle saw, so that two programs that
   * go on with one session do not mix their messages: each gets a branch of its own. Calls of one
   * handle follow each other in the order in which they are made, also where nobody waits between.
   *
   * @returns the ids of the new messages, in order
   */
  async appendMessages(
    id: string,
    messages: readonly Message[],
    options: z.input<typeof schema.appendSchema> = {},
  ): Promise<string[]> {
    validate(knownIdSchema, id, 'session id');
    const list = validate(z.array(schema.messageSchema), messages, 'messages');
    const { parent } = validate(schema.appendSchema, options, 'append');
    const prepared = list.map(prepareMessage);
    return this.#order.run(id, stagingOf(this.#runner, prepared), (hashes) =>
      this.#runner.write((transaction) => {
        const session = found(findSession(transaction, id), 'session', id);
        const current = currentLeaf(transaction, SESSION_TREE, id);
        let previous = parent === undefined ? (this.#lastSeen(transaction, id) ?? current) : parent;
        if (previous !== null) memberOf(transaction, id, previous);
        const follows = previous === current;
        const now = transaction.now();
        const added: string[] = [];
        for (const [i, message] of prepared.entries()) {
          const place = { id: newUlid(now), sessionId: id, parentId: previous, createdAt: now };
          insertMessage(transaction, { ...message, ...place, hash: hashes?.get(i) });
          previous = place.id;
          added.push(place.id);
        }
        if (previous === null || added.length === 0) return added;
        moveLeaf(transaction, SESSION_TREE, id, previous);
        const count = follows
          ? session.message_count + added.length
          : countBranch(transaction, SESSION_TREE, id, previous);
        const updatedAt = workedOnAt(Math.max(session.updated_at, now), now);
        transaction.update(table, id, { updated_at: updatedAt, message_count: count });
        // Before the next call has its turn, which goes on from here.
        this.#seen.set(id, previous);
        return added;
      }),
    );
  }

  /** The current branch, oldest first; with a limit its newest part, and `nextCursor` leads back. */
  async messages(
    id: string,
    options: z.input<typeof schema.messagesSchema> = {},
  ): Promise<Page<SessionMessage>> {
    validate(knownIdSchema, id, 'session id');
    const query = validate(schema.messagesSchema, options, 'messages');
    const read = await this.#runner.read((reader) => {
      refusePurged(reader, 'sessions', id);
      found(findSession(reader, id), 'session', id);
      const start = startOf(reader, id, query);
      if (start === null) return { page: { items: [], nextCursor: null }, pending: [] };
      memberOf(reader, id, start);
      if (!query.cursor && !query.leaf) this.#seen.set(id, start);
      const rows = walkBranch(reader, id, start, query.limit);
      const { items, pending } = readMessages(reader, rows.toReversed());
      const more = rows.at(-1)?.parent_id ?? null;
      const nextCursor = more !== null && isMember(reader, SESSION_TREE, id, more) ? more : null;
      return { page: { items, nextCursor }, pending };
    });
    return wholeMessages(this.#runner, read);
  }

  /** Every branch by its last message, newest first, on every device in the same order. */
  async branches(id: string): Promise<SessionBranch[]> {
    validate(knownIdSchema, id, 'session id');
    return this.#runner.read((reader) => {
      refusePurged(reader, 'sessions', id);
      found(findSession(reader, id), 'session', id);
      return listBranches(reader, SESSION_TREE, id).map(({ createdAt, ...branch }) => ({
        ...branch,
        updatedAt: formatTime(createdAt),
      }));
    });
  }

  /**
   * Goes to another branch, or back on this one: later appends follow `leaf`. Messages of other devices
   * take this one no more away from there; at the end of a branch it goes along as that grows.
   */
  async setCurrent(id: string, leaf: string): Promise<Session> {
    validate(knownIdSchema, leaf, 'message id');
    return this.#change(id, (transaction) => {
      memberOf(transaction, id, leaf);
      chooseLeaf(transaction, SESSION_TREE, id, leaf);
      this.#seen.set(id, leaf);
      return { message_count: countBranch(transaction, SESSION_TREE, id, leaf) };
    });
  }

  /** What this handle saw last, unless it is gone: the commit that wrote it may have failed. */
  #lastSeen(reader: Reader, id: string): string | undefined {
    const seen = this.#seen.get(id);
    return seen !== undefined && isMember(reader, SESSION_TREE, id, seen) ? seen : undefined;
  }

  async #change(
    id: string,
    changes: (transaction: Transaction, old: SessionRow) => Row,
  ): Promise<Session> {
    validate(knownIdSchema, id, 'session id');
    return this.#runner.write((transaction) => {
      const old = found(findSession(transaction, id), 'session', id);
      const changed = transaction.update(table, id, changes(transaction, old));
      if (changed.includes('title')) indexSession(transaction, id);
      return readSession(transaction, id);
    });
  }
}
