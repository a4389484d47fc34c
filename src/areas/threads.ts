import type { Row, Transaction } from '../db/transaction.ts';
import { jsonCopySchema } from '../model/json-schema.ts';
import { threads as table } from '../model/registers.ts';
import * as schema from '../model/thread.ts';
import type {
  NewThreadMessage,
  Thread,
  ThreadCheckpoint,
  ThreadCheckpointListOptions,
  ThreadCheckpointSummary,
  ThreadLeaf,
  ThreadListOptions,
  ThreadMessage,
  ThreadMessagesOptions,
  ThreadSummary,
  ThreadTool,
  ThreadUpsert,
} from '../model/thread.ts';
import { idSchema, knownIdSchema, textSchema, validate } from '../model/validate.ts';
import type * as z from 'zod';
import { chooseLeaf } from './message-tree.ts';
import { between, found, hasCome, readPage, type Condition, type Page } from './page.ts';
import { RESTORABLE } from './purged.ts';
import type { Runner } from './runner.ts';
import {
  deleteThreadCheckpoint,
  listThreadCheckpoints,
  loadThreadCheckpoint,
  saveThreadCheckpoint,
} from './thread-checkpoints.ts';
import {
  THREAD_TREE,
  addThreadMessage,
  branchPage,
  listLeaves,
  memberOfThread,
  threadLeaf,
} from './thread-messages.ts';
import {
  THREAD_COLUMNS,
  liveThread,
  readThread,
  toThread,
  toTools,
  type ThreadRow,
} from './thread-rows.ts';
import { setThreadDeleted, upsertThread } from './thread-changes.ts';

/**
 * Threads of the app server with their messages, tools and checkpoints. Those of a deleted thread
 * are hidden with it: to reach for them is a `NotFoundError`.
 */
export class Threads {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * Makes a thread, or changes the fields that are given and keeps the others. A deleted thread
   * comes back as it was.
   *
   * @throws `InvalidInputError` also for a new thread without `cwd`
   */
  async upsert(input: ThreadUpsert): Promise<Thread> {
    const thread = validate(schema.threadUpsertSchema, input, 'thread');
    return this.#runner.write((transaction) => upsertThread(transaction, thread));
  }

  /** @throws `NotFoundError` also of a purged one; a deleted one is found, with `deletedAt` set */
  async get(id: string): Promise<Thread> {
    validate(knownIdSchema, id, 'thread id');
    return this.#runner.read((reader) => readThread(reader, id));
  }

  /** Last updated first. */
  async list(options: ThreadListOptions = {}): Promise<Page<ThreadSummary>> {
    const query = validate(schema.threadListSchema, options, 'thread list');
    const where: Condition[] = [
      { sql: query.deleted ? RESTORABLE : 'deleted_at is null' },
      hasCome(table),
      ...between('updated_at', query.since, query.until),
    ];
    if (query.cwd !== undefined) where.push({ sql: 'cwd = ?', params: [query.cwd] });
    if (!query.deleted && query.archived !== 'include') {
      // The plus keeps SQLite from the index of all archived threads where that of a folder is there.
      const column = query.cwd === undefined ? 'archived' : '+archived';
      where.push({ sql: `${column} = ${query.archived === 'only' ? 1 : 0}` });
    }
    return this.#runner.read((reader) => {
      const page = readPage<ThreadRow>(reader, {
        table: 'threads',
        columns: THREAD_COLUMNS,
        where,
        sort: 'updated_at',
        descending: true,
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map(toThread) };
    });
  }

  /**
   * The thread with this title, whatever the case of its ASCII letters; of several the one updated
   * last, archived or not; null where there is none.
   */
  async findByName(name: string): Promise<ThreadSummary | null> {
    const title = validate(textSchema, name, 'name');
    return this.#runner.read((reader) => {
      const row = reader.first<ThreadRow>(
        THREAD_COLUMNS,
        `from threads where title = ? collate nocase and deleted_at is null
         order by updated_at desc, id desc`,
        [title],
      );
      return row ? toThread(row) : null;
    });
  }

  /** Sets the status to `archived`; `updatedAt` stays, here and in {@link unarchive}. */
  async archive(id: string): Promise<Thread> {
    return this.#change(id, (transaction, old) => ({
      archived: 1,
      archived_at: old.archived_at ?? transaction.now(),
      status: 'archived',
    }));
  }

  /** The status `archived` becomes `idle`; any other stays. */
  async unarchive(id: string): Promise<Thread> {
    return this.#change(id, (_, old) => ({
      archived: 0,
      archived_at: null,
      status: old.status === 'archived' ? 'idle' : old.status,
    }));
  }

  /** Hides the thread with all that belongs to it; `restore` brings everything back. */
  async delete(id: string): Promise<Thread> {
    validate(knownIdSchema, id, 'thread id');
    return this.#runner.write((transaction) => setThreadDeleted(transaction, id, true));
  }

  async restore(id: string): Promise<Thread> {
    validate(knownIdSchema, id, 'thread id');
    return this.#runner.write((transaction) => setThreadDeleted(transaction, id, false));
  }

  /** Adds a message after the current one and makes it the current one; `updatedAt` stays. */
  async appendMessage(threadId: string, message: NewThreadMessage): Promise<ThreadMessage> {
    validate(knownIdSchema, threadId, 'thread id');
    const checked = validate(schema.threadMessageSchema, message, 'message');
    return this.#runner.write((transaction) => {
      liveThread(transaction, threadId);
      const parent = threadLeaf(transaction, threadId);
      return addThreadMessage(transaction, threadId, parent, checked);
    });
  }

  /**
   * The current branch, or the one that ends at `leaf`, oldest first; with a limit its newest
   * part, and `nextCursor` leads back.
   */
  async messages(
    threadId: string,
    options: ThreadMessagesOptions = {},
  ): Promise<Page<ThreadMessage>> {
    validate(knownIdSchema, threadId, 'thread id');
    const query = validate(schema.threadMessagesSchema, options, 'messages');
    return this.#runner.read((reader) => {
      liveThread(reader, threadId);
      if (query.leaf !== undefined) memberOfThread(reader, threadId, query.leaf);
      return branchPage(reader, threadId, query);
    });
  }

  /** Adds a message below any message of the thread, which begins a branch, and goes to it. */
  async forkAt(
    threadId: string,
    messageId: string,
    message: NewThreadMessage,
  ): Promise<ThreadMessage> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(knownIdSchema, messageId, 'message id');
    const checked = validate(schema.threadMessageSchema, message, 'message');
    return this.#runner.write((transaction) => {
      liveThread(transaction, threadId);
      memberOfThread(transaction, threadId, messageId);
      return addThreadMessage(transaction, threadId, messageId, checked);
    });
  }

  /** Goes to another message, as `sessions.setCurrent`. `null` goes to none: the next one is a root. */
  async setLeaf(threadId: string, messageId: string | null): Promise<void> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(knownIdSchema.nullable(), messageId, 'message id');
    return this.#runner.write((transaction) => {
      liveThread(transaction, threadId);
      if (messageId !== null) memberOfThread(transaction, threadId, messageId);
      chooseLeaf(transaction, THREAD_TREE, threadId, messageId);
    });
  }

  /** Every branch by its last message, newest first, on every device in the same order. */
  async leaves(threadId: string): Promise<ThreadLeaf[]> {
    validate(knownIdSchema, threadId, 'thread id');
    return this.#runner.read((reader) => {
      liveThread(reader, threadId);
      return listLeaves(reader, threadId);
    });
  }

  /** Replaces all dynamic tools of the thread. */
  async setTools(
    threadId: string,
    tools: z.input<typeof schema.threadToolsSchema>,
  ): Promise<ThreadTool[]> {
    validate(knownIdSchema, threadId, 'thread id');
    const list = validate(schema.threadToolsSchema, tools, 'tools');
    return this.#runner.write((transaction) => {
      liveThread(transaction, threadId);
      transaction.update(table, threadId, { tools: JSON.stringify(list) });
      return list;
    });
  }

  /** The dynamic tools in the order in which they were set. */
  async tools(threadId: string): Promise<ThreadTool[]> {
    validate(knownIdSchema, threadId, 'thread id');
    return this.#runner.read((reader) => {
      liveThread(reader, threadId);
      const row = reader.first<{ tools: string }>(['tools'], 'from threads where id = ?', [
        threadId,
      ]);
      return toTools(found(row, 'thread', threadId).tools);
    });
  }

  /** Saves any JSON value under an id of the thread, in place of what stood there. */
  async saveCheckpoint(
    threadId: string,
    checkpointId: string,
    state: unknown,
  ): Promise<ThreadCheckpointSummary> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(idSchema, checkpointId, 'checkpoint id');
    const checked = validate(jsonCopySchema, state, 'state');
    return this.#runner.write((transaction) => {
      liveThread(transaction, threadId);
      return saveThreadCheckpoint(transaction, threadId, checkpointId, checked);
    });
  }

  /** The checkpoint with this id, by default the newest; null where there is none. */
  async loadCheckpoint(threadId: string, checkpointId?: string): Promise<ThreadCheckpoint | null> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(idSchema.optional(), checkpointId, 'checkpoint id');
    return this.#runner.read((reader) => {
      liveThread(reader, threadId);
      return loadThreadCheckpoint(reader, threadId, checkpointId);
    });
  }

  /** Newest first. */
  async listCheckpoints(
    threadId: string,
    options: ThreadCheckpointListOptions = {},
  ): Promise<Page<ThreadCheckpointSummary>> {
    validate(knownIdSchema, threadId, 'thread id');
    const query = validate(schema.threadCheckpointListSchema, options, 'checkpoint list');
    return this.#runner.read((reader) => {
      liveThread(reader, threadId);
      return listThreadCheckpoints(reader, threadId, query);
    });
  }

  /** @throws `NotFoundError` */
  async deleteCheckpoint(threadId: string, checkpointId: string): Promise<void> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(idSchema, checkpointId, 'checkpoint id');
    return this.#runner.write((transaction) => {
      liveThread(transaction, threadId);
      deleteThreadCheckpoint(transaction, threadId, checkpointId);
    });
  }

  async #change(
    id: string,
    changes: (transaction: Transaction, old: ThreadRow) => Row,
  ): Promise<Thread> {
    validate(knownIdSchema, id, 'thread id');
    return this.#runner.write((transaction) => {
      transaction.update(table, id, changes(transaction, liveThread(transaction, id)));
      return readThread(transaction, id);
    });
  }
}
