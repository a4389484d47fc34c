import { randomBytes } from 'node:crypto';
import { storeBody } from '../db/bodies.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { triggers as table } from '../model/registers.ts';
import * as schema from '../model/trigger.ts';
import type {
  Trigger,
  TriggerCreate,
  TriggerFail,
  TriggerFire,
  TriggerListOptions,
  TriggerStatus,
  TriggerSummary,
} from '../model/trigger.ts';
import { knownIdSchema, timeSchema, validate } from '../model/validate.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import type * as z from 'zod';
import { readPage, type Condition, type Page } from './page.ts';
import { refusePurged } from './purged.ts';
import type { Runner } from './runner.ts';
import {
  TRIGGER_COLUMNS,
  findTrigger,
  needTrigger,
  readTrigger,
  toTrigger,
  type TriggerRow,
} from './trigger-rows.ts';

/**
 * Messages to a session at one time each. A trigger is fired by the device that made it, once, and
 * never tried again. Every method rejects with a `StoreError`.
 */
export class Triggers {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * @throws `InvalidInputError` also for a time that is not in the future
   * @throws `ConflictError` the id is taken
   * @throws `NotFoundError` the session was purged
   */
  async create(input: TriggerCreate): Promise<Trigger> {
    const trigger = validate(schema.triggerCreateSchema, input, 'trigger');
    return this.#runner.write((transaction) => {
      const { id } = trigger;
      if (id !== undefined && findTrigger(transaction, id)) {
        throw new ConflictError(`the trigger ${id} exists already`);
      }
      if (trigger.fireAt <= transaction.now()) {
        throw new InvalidInputError('trigger fireAt: it must lie in the future');
      }
      refuseOwner(transaction, trigger.ownerSessionId);
      return readTrigger(transaction, insertTrigger(transaction, trigger));
    });
  }

  /** @throws `NotFoundError` */
  async get(id: string): Promise<Trigger> {
    validate(knownIdSchema, id, 'trigger id');
    return this.#runner.read((reader) => readTrigger(reader, id));
  }

  /** Newest first. */
  async list(options: TriggerListOptions = {}): Promise<Page<TriggerSummary>> {
    const query = validate(schema.triggerListSchema, options, 'trigger list');
    const where: Condition[] = [];
    if (query.status !== undefined) where.push({ sql: 'status = ?', params: [query.status] });
    return this.#runner.read((reader) => {
      const page = readPage<TriggerRow>(reader, {
        table: 'triggers',
        columns: TRIGGER_COLUMNS,
        where,
        sort: 'created_at',
        descending: true,
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map(toTrigger) };
    });
  }

  /**
   * The triggers of this device that should fire at a time, by default now, oldest first: pending,
   * and with a session to speak to. Nothing is claimed; that is what `fire` does.
   */
  async due(now?: string): Promise<TriggerSummary[]> {
    const given = validate(timeSchema.optional(), now, 'now');
    // A transaction for its clock and device; it writes nothing.
    return this.#runner.write((transaction) => {
      const rows = transaction.list<TriggerRow>(
        TRIGGER_COLUMNS,
        `from triggers where status = 'pending' and device = ? and fire_at <= ?
         and owner_session_id is not null order by fire_at, id`,
        [transaction.device, given ?? transaction.now()],
      );
      return rows.map(toTrigger);
    });
  }

  /**
   * Claims a trigger, whether or not its time has come. Of several callers, in whatever process, one
   * gets it.
   *
   * @throws `ConflictError` it is no longer pending, has no session, or is another device's
   */
  async fire(id: string, input: TriggerFire = {}): Promise<Trigger> {
    const { taskId, threadId } = validate(schema.triggerFireSchema, input, 'fire');
    return this.#end(id, ['pending'], (transaction, old) => {
      if (old.owner_session_id === null) {
        throw new ConflictError(`the trigger ${id} has no session to speak to`);
      }
      if (old.device !== transaction.device) {
        throw new ConflictError(`the trigger ${id} belongs to another device`);
      }
      return {
        status: 'fired',
        fired_at: transaction.now(),
        task_id: taskId,
        thread_id: threadId,
      };
    });
  }

  /** @throws `ConflictError` it is no longer pending */
  async cancel(id: string): Promise<Trigger> {
    return this.#end(id, ['pending'], () => ({ status: 'canceled' }));
  }

  /**
   * Marks a trigger that came to nothing, whether that showed before it was fired or after.
   *
   * @throws `ConflictError` it was canceled, or has failed already
   * @throws `NotFoundError` also where its session was purged
   */
  async fail(id: string, input: TriggerFail = {}): Promise<Trigger> {
    const { error } = validate(schema.triggerFailSchema, input, 'fail');
    return this.#end(id, ['pending', 'fired'], () => ({ status: 'failed', error }));
  }

  /**
   * Makes this device fire the imported triggers that are pending: each is canceled and made anew,
   * with the old one as its `parent_trigger_id`. Do it on one machine, as with automations.
   *
   * @returns the new triggers, by their time; a time that has passed is due at once
   */
  async takeOver(): Promise<Trigger[]> {
    return this.#runner.write((transaction) => {
      const imported = transaction.list<{ id: string }>(
        ['id'],
        `from triggers where status = 'pending' and device = ? order by fire_at, id`,
        [IMPORT_DEVICE],
      );
      return imported.map(({ id }) => renew(transaction, id));
    });
  }

  async #end(
    id: string,
    from: readonly TriggerStatus[],
    changes: (transaction: Transaction, old: TriggerRow) => Row,
  ): Promise<Trigger> {
    validate(knownIdSchema, id, 'trigger id');
    return this.#runner.write((transaction) => {
      const old = needTrigger(transaction, id);
      if (!from.some((status) => status === old.status)) {
        throw new ConflictError(`the trigger ${id} is ${old.status}`);
      }
      refuseOwner(transaction, old.owner_session_id);
      transaction.update(table, id, changes(transaction, old));
      return readTrigger(transaction, id);
    });
  }
}

/** @throws `NotFoundError` the session that it speaks to was purged */
function refuseOwner(transaction: Transaction, session: string | null): void {
  if (session !== null) refusePurged(transaction, 'sessions', session);
}

/** @returns the id */
function insertTrigger(
  transaction: Transaction,
  trigger: z.output<typeof schema.triggerCreateSchema>,
): string {
  const id = trigger.id ?? `trig_${randomBytes(16).toString('hex')}`;
  transaction.insert(table, {
    id,
    fire_at: trigger.fireAt,
    message: trigger.message,
    workspace: trigger.workspace,
    owner_session_id: trigger.ownerSessionId,
    status: 'pending',
    attempt: 1,
    fired_at: null,
    task_id: null,
    thread_id: null,
    error: null,
    created_at: transaction.now(),
    ...storeBody(transaction, JSON.stringify(trigger.details)),
  });
  return id;
}

function renew(transaction: Transaction, id: string): Trigger {
  const old = readTrigger(transaction, id);
  transaction.update(table, id, { status: 'canceled' });
  const newId = insertTrigger(transaction, {
    id: undefined,
    fireAt: Date.parse(old.fireAt),
    message: old.message,
    workspace: old.workspace,
    ownerSessionId: old.ownerSessionId,
    details: { ...old.details, parent_trigger_id: id },
  });
  return readTrigger(transaction, newId);
}
