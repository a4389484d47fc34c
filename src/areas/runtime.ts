import type * as z from 'zod';
import type { Reader } from '../db/reader.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { runtimeThreads as table } from '../model/registers.ts';
import * as schema from '../model/runtime.ts';
import type {
  RuntimePageOptions,
  RecoverOptions,
  RuntimeItem,
  RuntimeItemInput,
  RuntimeThread,
  RuntimeThreadCreate,
  RuntimeThreadFork,
  RuntimeThreadListOptions,
  RuntimeThreadSummary,
  RuntimeThreadUpdate,
  RuntimeTurn,
  RuntimeTurnSummary,
  SavedTurn,
  TurnFinish,
  TurnSave,
  TurnStart,
} from '../model/runtime.ts';
import { knownIdSchema, validate } from '../model/validate.ts';
import { found, readPage, type Page } from './page.ts';
import { readItem, wholeItem, withPrepared } from './large-details.ts';
import { refusePurged } from './purged.ts';
import type { Runner } from './runner.ts';
import { forkThread } from './runtime-fork.ts';
import { announceItems, saveItem } from './runtime-items.ts';
import { recoverTurns } from './runtime-recover.ts';
import {
  ITEM_COLUMNS,
  TURN_COLUMNS,
  findItem,
  needThread,
  needTurn,
  readThread,
  readTurn,
  refuseTurnOfPurged,
  toThread,
  toTurn,
  type ItemRow,
  type ThreadRow,
  type TurnRow,
} from './runtime-rows.ts';
import { insertThread, threadChanges, threadListing } from './runtime-threads.ts';
import { announceTurn, finishTurn, insertTurn, saveTurn } from './runtime-turns.ts';

/** Turns that one transaction of a recovery takes, so that other writers get in between. */
const RECOVER_BATCH = 50;
/** Of a new item that names none. */
const NEW_ITEM_STATUS = 'in_progress';

/**
 * What the agent does: threads of turns, turns of items. Starting and finishing a turn and saving an
 * item write their events in the same transaction. Every method rejects with a `StoreError`.
 */
export class Runtime {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** @throws `ConflictError` the id is taken */
  async createThread(input: RuntimeThreadCreate): Promise<RuntimeThread> {
    const thread = validate(schema.runtimeThreadCreateSchema, input, 'runtime thread');
    return this.#runner.write((transaction) =>
      readThread(transaction, insertThread(transaction, thread)),
    );
  }

  /** @throws `NotFoundError`; a deleted thread is found, with `deletedAt` set */
  async getThread(id: string): Promise<RuntimeThread> {
    validate(knownIdSchema, id, 'thread id');
    return this.#runner.read((reader) => readThread(reader, id));
  }

  /** Newest first by `updatedAt`, to which `since` and `until` apply. */
  async listThreads(options: RuntimeThreadListOptions = {}): Promise<Page<RuntimeThreadSummary>> {
    const query = validate(schema.runtimeThreadListSchema, options, 'runtime thread list');
    return this.#runner.read((reader) => {
      const page = readPage<ThreadRow>(reader, threadListing(query));
      return { ...page, items: page.items.map(toThread) };
    });
  }

  /**
   * Changes a thread. A new title, or archiving it, leaves `updatedAt` as it is.
   *
   * @throws `ConflictError` the workspace would change while a turn is active
   */
  async updateThread(id: string, input: RuntimeThreadUpdate): Promise<RuntimeThread> {
    const update = validate(schema.runtimeThreadUpdateSchema, input, 'runtime thread');
    return this.#changeThread(id, (transaction, old) => threadChanges(transaction, old, update));
  }

  /** Hides the thread with all that is in it; `restoreThread` brings everything back. */
  async deleteThread(id: string): Promise<RuntimeThread> {
    return this.#changeThread(id, (transaction, old) => ({
      deleted_at: old.deleted_at ?? transaction.now(),
    }));
  }

  async restoreThread(id: string): Promise<RuntimeThread> {
    return this.#changeThread(id, () => ({ deleted_at: null }));
  }

  /**
   * Copies a thread with its ended turns and their items under new ids, without events. Its
   * details name the thread that it comes from as `forked_from`.
   *
   * @throws `ConflictError` the last turn to take over is still under way
   */
  async fork(id: string, options: RuntimeThreadFork = {}): Promise<RuntimeThread> {
    validate(knownIdSchema, id, 'thread id');
    const fork = validate(schema.runtimeThreadForkSchema, options, 'fork');
    return this.#runner.write((transaction) =>
      readThread(transaction, forkThread(transaction, id, fork)),
    );
  }

  /**
   * Begins a turn, which this device owns, with what the user said as its first item.
   *
   * @throws `ConflictError` the id is taken, or another turn of the thread is active
   */
  async startTurn(threadId: string, input: TurnStart = {}): Promise<RuntimeTurn> {
    validate(knownIdSchema, threadId, 'thread id');
    const { userItem, ...turn } = validate(schema.turnStartSchema, input, 'turn');
    const defaults = { kind: 'user_message', status: 'completed' } as const;
    const items = userItem ? [userItem] : [];
    return withPrepared(this.#runner, items, defaults.status, (said) =>
      this.#runner.write((transaction) => {
        needThread(transaction, threadId);
        const row = insertTurn(transaction, threadId, turn);
        const started = readTurn(transaction, row.id);
        announceTurn(transaction, started, 'turn.started');
        const saved = said.map((item) => saveItem(transaction, row, item, defaults));
        announceItems(transaction, row, saved);
        return started;
      }),
    );
  }

  /** Ends a turn, once. @throws `ConflictError` it has ended already */
  async finishTurn(turnId: string, input: TurnFinish = {}): Promise<RuntimeTurn> {
    validate(knownIdSchema, turnId, 'turn id');
    const finish = validate(schema.turnFinishSchema, input, 'turn');
    return withPrepared(this.#runner, finish.items, NEW_ITEM_STATUS, (items) =>
      this.#runner.write((transaction) => finishTurn(transaction, turnId, finish, items)),
    );
  }

  async getTurn(id: string): Promise<RuntimeTurn> {
    validate(knownIdSchema, id, 'turn id');
    return this.#runner.read((reader) => {
      refuseTurnOfPurged(reader, id);
      return readTurn(reader, id);
    });
  }

  /** The turns of a thread in their order. */
  async listTurns(
    threadId: string,
    options: RuntimePageOptions = {},
  ): Promise<Page<RuntimeTurnSummary>> {
    validate(knownIdSchema, threadId, 'thread id');
    const query = validate(schema.runtimePageSchema, options, 'turn list');
    return this.#runner.read((reader) => {
      refusePurged(reader, 'runtime_threads', threadId);
      needThread(reader, threadId);
      const page = readChildren<TurnRow>(reader, 'thread_id', threadId, TURN_COLUMNS, query);
      return { ...page, items: page.items.map(toTurn) };
    });
  }

  /**
   * Adds an item to a turn, or changes the one that has its id: what is not given stays. Once its
   * status is an end it is final; the same save again does no harm.
   *
   * @throws `ConflictError` it is final and would change, or it belongs to another turn
   */
  async saveItem(turnId: string, input: RuntimeItemInput): Promise<RuntimeItem> {
    validate(knownIdSchema, turnId, 'turn id');
    const checked = validate(schema.runtimeItemSchema, input, 'item');
    return withPrepared(this.#runner, [checked], NEW_ITEM_STATUS, ([item]) =>
      this.#runner.write((transaction) => {
        const turn = needTurn(transaction, turnId);
        const saved = saveItem(transaction, turn, item);
        announceItems(transaction, turn, [saved]);
        return saved.item;
      }),
    );
  }

  async getItem(id: string): Promise<RuntimeItem> {
    validate(knownIdSchema, id, 'item id');
    const item = await this.#runner.read((reader) => {
      const row = found(findItem(reader, id), 'item', id);
      refuseTurnOfPurged(reader, row.turn_id);
      return readItem(reader, row);
    });
    return wholeItem(this.#runner, item);
  }

  /** The items of a turn in their order, whole. */
  async listItems(turnId: string, options: RuntimePageOptions = {}): Promise<Page<RuntimeItem>> {
    validate(knownIdSchema, turnId, 'turn id');
    const query = validate(schema.runtimePageSchema, options, 'item list');
    const page = await this.#runner.read((reader) => {
      needTurn(reader, turnId);
      refuseTurnOfPurged(reader, turnId);
      const rows = readChildren<ItemRow>(reader, 'turn_id', turnId, ITEM_COLUMNS, query);
      return { ...rows, items: rows.items.map((row) => readItem(reader, row)) };
    });
    const items: RuntimeItem[] = [];
    for (const item of page.items) items.push(await wholeItem(this.#runner, item));
    return { ...page, items };
  }

  /**
   * Saves a turn, new or known, with its items and events in one transaction.
   *
   * @throws `ConflictError` the turn or an item has ended and would change, the turn belongs to
   *   another thread, or it is open and another turn of the thread is active
   */
  async saveTurnWithItems(threadId: string, input: TurnSave): Promise<SavedTurn> {
    validate(knownIdSchema, threadId, 'thread id');
    const checked = validate(schema.turnSaveSchema, input, 'turn');
    const status = checked.turn.status ?? 'completed';
    return withPrepared(this.#runner, checked.items, status, (items) =>
      this.#runner.write((transaction) => saveTurn(transaction, threadId, checked, items)),
    );
  }

  /**
   * Marks the turns of this device that no process runs any more as interrupted, with their open
   * items: call it at start, while none of them is being run. Those of other devices are left.
   *
   * @returns the ids of the turns; each is recovered exactly once
   */
  async recover(options: RecoverOptions = {}): Promise<string[]> {
    const { imported } = validate(schema.recoverSchema, options, 'recover');
    const recovered: string[] = [];
    for (;;) {
      const ids = await this.#runner.write((transaction) =>
        recoverTurns(transaction, imported, RECOVER_BATCH),
      );
      recovered.push(...ids);
      if (ids.length < RECOVER_BATCH) return recovered;
    }
  }

  async #changeThread(
    id: string,
    changes: (transaction: Transaction, old: ThreadRow) => Row,
  ): Promise<RuntimeThread> {
    validate(knownIdSchema, id, 'thread id');
    return this.#runner.write((transaction) => {
      transaction.update(table, id, changes(transaction, needThread(transaction, id)));
      return readThread(transaction, id);
    });
  }
}

function readChildren<T extends object>(
  reader: Reader,
  parent: 'thread_id' | 'turn_id',
  parentId: string,
  columns: readonly string[],
  query: z.output<typeof schema.runtimePageSchema>,
): Page<T> {
  return readPage<T>(reader, {
    table: parent === 'thread_id' ? 'runtime_turns' : 'runtime_items',
    columns,
    where: [{ sql: `${parent} = ?`, params: [parentId] }],
    sort: 'position',
    descending: false,
    limit: query.limit,
    cursor: query.cursor,
  });
}
