import { storeBody } from '../db/bodies.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { ConflictError } from '../errors.ts';
import * as schema from '../model/automation.ts';
import type {
  Automation,
  AutomationCreate,
  AutomationListOptions,
  AutomationRun,
  AutomationRunFinish,
  AutomationRunListOptions,
  AutomationRunNow,
  AutomationRunRecord,
  AutomationRunSummary,
  AutomationSummary,
  AutomationUpdate,
  DueAutomations,
} from '../model/automation.ts';
import { automations as table } from '../model/registers.ts';
import { knownIdSchema, timeSchema, validate } from '../model/validate.ts';
import {
  AUTOMATION_COLUMNS,
  findAutomation,
  liveAutomation,
  needAutomation,
  newBody,
  readAutomation,
  readRun,
  toAutomation,
  type AutomationRow,
} from './automation-rows.ts';
import { endRun, insertRun, listRuns, reconcileRuns, recordSlot } from './automation-runs.ts';
import {
  firstSlot,
  planDue,
  rescheduled,
  slotOfNewRule,
  takeOverImported,
} from './automation-schedule.ts';
import { withoutUndefined } from './fields.ts';
import { newUlid } from './new-id.ts';
import { hasCome, readPage, type Condition, type Page } from './page.ts';
import { refusePurged, RESTORABLE } from './purged.ts';
import type { Runner } from './runner.ts';

/**
 * Work that runs by a schedule, and its runs. Each automation is run by one device, its owner; an
 * imported one by none until it is taken over. Every method rejects with a `StoreError`.
 *
 * Rules are read by the clocks of the machine, in its time zone (`TZ` where it is set).
 */
export class Automations {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * Makes an automation that this device runs.
   *
   * @throws `InvalidInputError` the rule is not supported; or an active one would never run: a time
   *   in the past, a date that does not exist. A paused one may have such a rule.
   * @throws `ConflictError` the id is taken
   */
  async create(input: AutomationCreate): Promise<Automation> {
    const automation = validate(schema.automationCreateSchema, input, 'automation');
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      const id = automation.id ?? newUlid(now);
      if (findAutomation(transaction, id)) {
        throw new ConflictError(`the automation ${id} exists already`);
      }
      const { rule, status } = automation;
      const createdAt = automation.createdAt ?? now;
      transaction.insert(table, {
        id,
        name: automation.name,
        prompt: automation.prompt,
        rule,
        status,
        catch_up: automation.catchUp,
        owner: transaction.device,
        next_run_at: status === 'active' ? slotOfNewRule(rule, createdAt, now) : null,
        last_run_at: null,
        created_at: createdAt,
        deleted_at: null,
        ...storeBody(transaction, JSON.stringify(automation.details)),
      });
      return readAutomation(transaction, id);
    });
  }

  /** @throws `NotFoundError` also of a purged one; a deleted one is found, with `deletedAt` set */
  async get(id: string): Promise<Automation> {
    validate(knownIdSchema, id, 'automation id');
    return this.#runner.read((reader) => readAutomation(reader, id));
  }

  /** Last changed first. Runs are no changes. */
  async list(options: AutomationListOptions = {}): Promise<Page<AutomationSummary>> {
    const query = validate(schema.automationListSchema, options, 'automation list');
    const where: Condition[] = [
      {
        sql: query.deleted ? RESTORABLE : 'deleted_at is null',
      },
      hasCome(table),
    ];
    if (query.status !== undefined) where.push({ sql: 'status = ?', params: [query.status] });
    return this.#runner.read((reader) => {
      const page = readPage<AutomationRow>(reader, {
        table: 'automations',
        columns: AUTOMATION_COLUMNS,
        where,
        sort: 'updated_at',
        descending: true,
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map(toAutomation) };
    });
  }

  /**
   * Changes the fields that are given. A new rule of an active automation counts from now; a new
   * owner takes over the next time as it stands.
   *
   * @throws `InvalidInputError` also for a rule by which an active automation would never run
   */
  async update(id: string, input: AutomationUpdate): Promise<Automation> {
    const changes = validate(schema.automationUpdateSchema, input, 'automation');
    const { details, catchUp, ...columns } = changes;
    return this.#change(id, (transaction, old) => {
      const { rule } = changes;
      const now = transaction.now();
      const isNewRule = rule !== undefined && rule !== old.rule && old.status === 'active';
      return {
        ...withoutUndefined({ ...columns, catch_up: catchUp }),
        ...(isNewRule ? { next_run_at: slotOfNewRule(rule, old.created_at, now) } : {}),
        ...(details && newBody(transaction, id, details)),
      };
    });
  }

  async pause(id: string): Promise<Automation> {
    return this.#change(id, () => ({ status: 'paused', next_run_at: null }));
  }

  /**
   * Counts from now; what passed while it was paused is not made up for. An active one stays as it
   * is.
   *
   * @throws `ConflictError` the rule is over, or is not supported
   */
  async resume(id: string): Promise<Automation> {
    return this.#change(id, (transaction, old) => {
      if (old.status === 'active' && old.next_run_at !== null) return {};
      const now = transaction.now();
      const next = firstSlot(old, now);
      if (next === null) throw new ConflictError(`the automation ${id} has no time left to run at`);
      return { status: 'active', next_run_at: next };
    });
  }

  /** Hides the automation and stops it; `restore` brings it back with its runs. */
  async delete(id: string): Promise<Automation> {
    return this.#change(
      id,
      (transaction, old) => ({ deleted_at: old.deleted_at ?? transaction.now() }),
      needAutomation,
    );
  }

  /** What passed meanwhile is not made up for; one whose rule is over by now comes back paused. */
  async restore(id: string): Promise<Automation> {
    return this.#change(
      id,
      (transaction, old) =>
        old.deleted_at === null ? {} : { deleted_at: null, ...rescheduled(old, transaction.now()) },
      needAutomation,
    );
  }

  /**
   * What this device should run at a time, by default now: the slots of its active automations, by
   * their `catchUp`. Nothing is claimed; that is what `recordRun` does. Written is only this: the
   * next time of an automation that has none, that has missed slots and none of them to run, or whose
   * next time was noted while the clock was ahead; and one that is over by that is paused.
   */
  async due(now?: string): Promise<DueAutomations> {
    const given = validate(timeSchema.optional(), now, 'now');
    return this.#runner.write((transaction) => planDue(transaction, given ?? transaction.now()));
  }

  /**
   * Claims a slot: adds its run and sets the next time, all or nothing. Of several callers, in
   * whatever process, one gets it.
   *
   * After the last slot of its rule the automation is paused. With `catchUp` `all`, slots are best
   * recorded in order; one that is recorded before its time changes the next time only when those
   * before it have run.
   *
   * @throws `ConflictError` the slot has its run already, or the automation is paused, belongs to
   *   another device, or has a rule that is not supported
   * @throws `NotFoundError` no such automation, or it was deleted
   */
  async recordRun(input: AutomationRunRecord): Promise<AutomationRun> {
    const { automationId, slot, ...run } = validate(schema.automationRunRecordSchema, input, 'run');
    return this.#runner.write((transaction) => {
      const id = recordSlot(transaction, automationId, slot, run);
      return readRun(transaction, id);
    });
  }

  /** Adds a run that was asked for by hand; the schedule stays as it is. */
  async runNow(automationId: string, input: AutomationRunNow = {}): Promise<AutomationRun> {
    validate(knownIdSchema, automationId, 'automation id');
    const run = validate(schema.automationRunNowSchema, input, 'run');
    return this.#runner.write((transaction) => {
      liveAutomation(transaction, automationId);
      return readRun(transaction, insertRun(transaction, automationId, null, run));
    });
  }

  /** Ends a run and sets `lastRunAt` of its automation. @throws `ConflictError` it has ended */
  async finishRun(runId: string, input: AutomationRunFinish): Promise<AutomationRun> {
    validate(knownIdSchema, runId, 'run id');
    const {
      status,
      error = null,
      taskId,
    } = validate(schema.automationRunFinishSchema, input, 'run');
    return this.#runner.write((transaction) => {
      endRun(transaction, runId, { status, error, taskId, endedAt: transaction.now() });
      return readRun(transaction, runId);
    });
  }

  /** @throws `NotFoundError` */
  async getRun(runId: string): Promise<AutomationRun> {
    validate(knownIdSchema, runId, 'run id');
    return this.#runner.read((reader) => readRun(reader, runId));
  }

  /** Newest first. @throws `NotFoundError` no such automation; those of a deleted one are found */
  async runs(
    automationId: string,
    options: AutomationRunListOptions = {},
  ): Promise<Page<AutomationRunSummary>> {
    validate(knownIdSchema, automationId, 'automation id');
    const query = validate(schema.automationRunListSchema, options, 'run list');
    return this.#runner.read((reader) => {
      refusePurged(reader, 'automations', automationId);
      needAutomation(reader, automationId);
      return listRuns(reader, automationId, query);
    });
  }

  /**
   * Gives runs that are under way the state of their task, where that has gone on or ended.
   *
   * @returns the runs that changed
   */
  async reconcile(): Promise<AutomationRun[]> {
    return this.#runner.write((transaction) =>
      reconcileRuns(transaction).map((id) => readRun(transaction, id)),
    );
  }

  /**
   * Makes this device run the imported automations. A time that has passed since is made up for by
   * their `catchUp`. Do it on one machine: two that take over before they have heard of each other
   * both run them.
   *
   * @returns the automations that were taken over
   */
  async takeOver(): Promise<AutomationSummary[]> {
    return this.#runner.write((transaction) => takeOverImported(transaction).map(toAutomation));
  }

  async #change(
    id: string,
    changes: (transaction: Transaction, old: AutomationRow) => Row,
    find = liveAutomation,
  ): Promise<Automation> {
    validate(knownIdSchema, id, 'automation id');
    return this.#runner.write((transaction) => {
      transaction.update(table, id, changes(transaction, find(transaction, id)));
      return readAutomation(transaction, id);
    });
  }
}
