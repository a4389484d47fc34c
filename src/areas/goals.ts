import { randomUUID } from 'node:crypto';
import { storeBody } from '../db/bodies.ts';
import type { Transaction } from '../db/transaction.ts';
import { InvalidInputError } from '../errors.ts';
import * as schema from '../model/goal.ts';
import type {
  Goal,
  GoalListOptions,
  GoalScope,
  GoalSummary,
  GoalUpsert,
  GoalUsage,
} from '../model/goal.ts';
import { addDetails, editBody } from '../model/record-body.ts';
import { goals as table } from '../model/registers.ts';
import { idSchema, validate } from '../model/validate.ts';
import type * as z from 'zod';
import { withoutUndefined } from './fields.ts';
import {
  GOAL_COLUMNS,
  findGoal,
  goalBody,
  goalRowId,
  liveGoal,
  ownerNotDeleted,
  requireOwner,
  toGoal,
  toGoalSummary,
  type GoalBody,
  type GoalRow,
} from './goal-rows.ts';
import { between, readPage, type Condition, type Page } from './page.ts';
import type { Runner } from './runner.ts';

/**
 * What a thread, a runtime thread or a session works towards, one goal each. A deleted goal is not
 * found any more, nor is one whose owner is deleted.
 */
export class Goals {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * Sets a goal, or changes the fields that are given and keeps the others. After a deletion, or
   * under another `goalId`, it is a new goal: active, and nothing used. Numbers alone count as
   * `addUsage` does.
   *
   * @throws `NotFoundError` no such thread or session
   * @throws `InvalidInputError` also for a new goal without `objective`
   */
  async upsert(input: GoalUpsert): Promise<Goal> {
    const goal = validate(schema.goalUpsertSchema, input, 'goal');
    return this.#runner.write((transaction) => upsertGoal(transaction, goal));
  }

  /** @throws `NotFoundError` */
  async get(scope: GoalScope, ownerId: string): Promise<Goal> {
    checkKey(scope, ownerId);
    return this.#runner.read((reader) => {
      const { row, body } = liveGoal(reader, scope, ownerId);
      return toGoal(row, body);
    });
  }

  /** Last updated first. */
  async list(options: GoalListOptions = {}): Promise<Page<GoalSummary>> {
    const query = validate(schema.goalListSchema, options, 'goal list');
    const where: Condition[] = [
      { sql: 'deleted_at is null' },
      ...between('updated_at', query.since, query.until),
      ...ownerNotDeleted(query.scope),
    ];
    if (query.scope !== undefined) where.push({ sql: 'scope = ?', params: [query.scope] });
    return this.#runner.read((reader) => {
      const page = readPage<GoalRow>(reader, {
        table: 'goals',
        columns: GOAL_COLUMNS,
        where,
        sort: 'updated_at',
        descending: true,
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map(toGoalSummary) };
    });
  }

  /** @throws `NotFoundError` */
  async delete(scope: GoalScope, ownerId: string): Promise<void> {
    checkKey(scope, ownerId);
    return this.#runner.write((transaction) => {
      const { row } = liveGoal(transaction, scope, ownerId);
      transaction.update(table, row.id, { deleted_at: transaction.now() });
    });
  }

  /**
   * Adds to what the goal has used. A pause, an objective, a deletion or a budget that somebody sets
   * on another device without knowing of it holds, with the numbers that were known there.
   *
   * @throws `NotFoundError`
   * @throws `InvalidInputError` also where the sum is past 9007199254740991; then nothing is added
   */
  async addUsage(scope: GoalScope, ownerId: string, usage: GoalUsage): Promise<Goal> {
    const { tokens, seconds } = validate(schema.goalUsageSchema, usage, 'usage');
    return this.#add(scope, ownerId, { tokens_used: tokens, time_used_seconds: seconds });
  }

  /** Counts one more continuation. @throws as {@link addUsage} */
  async addContinuation(scope: GoalScope, ownerId: string): Promise<Goal> {
    return this.#add(scope, ownerId, { continuation_count: 1 });
  }

  async #add(scope: GoalScope, ownerId: string, more: Counts): Promise<Goal> {
    checkKey(scope, ownerId);
    return this.#runner.write((transaction) => {
      const { row, body } = liveGoal(transaction, scope, ownerId);
      const next = editBody(body, sums(goalBody(body), more));
      const updatedAt = Math.max(row.updated_at, transaction.now());
      transaction.carryOn(table, row.id, {
        updated_at: updatedAt,
        ...storeBody(transaction, next),
      });
      return toGoal({ ...row, updated_at: updatedAt }, next);
    });
  }
}

/** What has been used, by the names of the old program. */
type Counts = Pick<GoalBody, 'tokens_used' | 'time_used_seconds' | 'continuation_count'>;

/**
 * The counts that grow; one that stays keeps its spelling, as an old home may have counted further.
 *
 * @throws `InvalidInputError` a sum could not be told exactly
 */
function sums(used: Counts, more: Counts): Counts {
  const grown = (Object.keys(more) as (keyof Counts)[]).filter((name) => more[name] !== 0);
  return Object.fromEntries(
    grown.map((name) => {
      const sum = (used[name] ?? 0) + (more[name] ?? 0);
      if (Number.isSafeInteger(sum)) return [name, sum];
      const most = String(Number.MAX_SAFE_INTEGER);
      throw new InvalidInputError(`usage: ${name} would pass ${most}; nothing was added`);
    }),
  );
}

function checkKey(scope: GoalScope, ownerId: string): void {
  validate(schema.goalScopeSchema, scope, 'scope');
  validate(idSchema, ownerId, 'owner id');
}

function upsertGoal(
  transaction: Transaction,
  goal: z.output<typeof schema.goalUpsertSchema>,
): Goal {
  const { scope, ownerId } = goal;
  requireOwner(transaction, scope, ownerId);
  const now = transaction.now();
  const old = findGoal(transaction, scope, ownerId);
  const goesOn =
    old?.row.deleted_at === null &&
    (goal.goalId === undefined || goal.goalId === goalBody(old.body).goal_id);
  if (!goesOn && goal.objective === undefined) {
    throw new InvalidInputError('goal objective: a new goal needs it');
  }
  const body = editBody(goesOn ? old.body : newBody(scope, goal.goalId, now), {
    token_budget: goal.tokenBudget,
    tokens_used: goal.tokensUsed,
    time_used_seconds: goal.timeUsedSeconds,
    continuation_count: goal.continuationCount,
  });
  const columns = {
    ...(goesOn ? {} : { status: 'active' }),
    ...withoutUndefined({ status: goal.status, objective: goal.objective }),
    deleted_at: null,
    ...storeBody(transaction, addDetails(body, goal.details ?? {})),
  };
  const id = goalRowId(scope, ownerId);
  if (!old) transaction.insert(table, { id, scope, owner_id: ownerId, ...columns });
  else if (goesOn && onlyCounts(goal))
    transaction.carryOn(table, id, { ...columns, updated_at: now });
  else transaction.update(table, id, columns);
  const stored = liveGoal(transaction, scope, ownerId);
  return toGoal(stored.row, stored.body);
}

/** Whether it tells what has been used, and decides nothing. */
function onlyCounts(goal: z.output<typeof schema.goalUpsertSchema>): boolean {
  const { status, objective, tokenBudget, details } = goal;
  return [status, objective, tokenBudget, details].every((given) => given === undefined);
}

/** As the old program has it: the goal of a session has neither an id nor a time. */
function newBody(scope: GoalScope, goalId: string | undefined, now: number): string {
  const used = { tokens_used: 0, time_used_seconds: 0, continuation_count: 0 };
  if (scope === 'session') return JSON.stringify(used);
  return JSON.stringify({
    goal_id: goalId ?? `goal-${randomUUID()}`,
    ...used,
    created_at: Math.trunc(now / 1000),
  });
}
