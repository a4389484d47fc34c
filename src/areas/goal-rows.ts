import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import { NotFoundError } from '../errors.ts';
import {
  GOAL_FIELD_KEYS,
  goalScopeSchema,
  goalStatusSchema,
  type Goal,
  type GoalScope,
  type GoalSummary,
} from '../model/goal.ts';
import { detailsOf, membersOf } from '../model/record-body.ts';
import { formatTime } from '../model/time.ts';
import { knownWord } from './fields.ts';
import { found, type Condition } from './page.ts';

export const GOAL_COLUMNS = [
  'id',
  'scope',
  'owner_id',
  'status',
  'objective',
  'updated_at',
  'deleted_at',
  'device',
] as const;

export interface GoalRow {
  readonly id: string;
  readonly scope: GoalScope;
  readonly owner_id: string;
  readonly status: string;
  readonly objective: string;
  readonly updated_at: number;
  readonly deleted_at: number | null;
  readonly device: string;
}

export function toGoalSummary(row: GoalRow): GoalSummary {
  return {
    id: row.id,
    scope: row.scope,
    ownerId: row.owner_id,
    objective: row.objective,
    status: knownWord(goalStatusSchema.options, row.status, 'paused'),
    updatedAt: formatTime(row.updated_at),
    device: row.device,
  };
}

/** The fields of a goal that stand in its body, by the names of the old program. */
export interface GoalBody {
  readonly goal_id?: string;
  readonly token_budget?: number | null;
  readonly tokens_used?: number;
  readonly time_used_seconds?: number;
  readonly continuation_count?: number;
  /** Unix seconds. */
  readonly created_at?: number;
}

export function goalBody(body: string): GoalBody {
  return Object.fromEntries(membersOf(body));
}

export function toGoal(row: GoalRow, body: string): Goal {
  const fields = goalBody(body);
  return {
    ...toGoalSummary(row),
    goalId: fields.goal_id ?? null,
    tokenBudget: fields.token_budget ?? null,
    tokensUsed: fields.tokens_used ?? 0,
    timeUsedSeconds: fields.time_used_seconds ?? 0,
    continuationCount: fields.continuation_count ?? 0,
    createdAt: fields.created_at === undefined ? null : formatTime(fields.created_at * 1000),
    details: detailsOf(body, GOAL_FIELD_KEYS),
  };
}

export function goalRowId(scope: GoalScope, ownerId: string): string {
  return `${scope}/${ownerId}`;
}

/** A goal with its body, deleted or not. */
export function findGoal(
  reader: Reader,
  scope: GoalScope,
  ownerId: string,
): { readonly row: GoalRow; readonly body: string } | undefined {
  const row = reader.first<GoalRow & BodyColumns>(
    [...GOAL_COLUMNS, 'body', 'body_hash'],
    'from goals where id = ?',
    [goalRowId(scope, ownerId)],
  );
  return row && { row, body: loadBody(reader, row) };
}

/** @throws `NotFoundError` there is none, or it is deleted or hidden with its owner */
export function liveGoal(
  reader: Reader,
  scope: GoalScope,
  ownerId: string,
): { readonly row: GoalRow; readonly body: string } {
  const goal = findGoal(reader, scope, ownerId);
  const there = goal?.row.deleted_at === null && ownerState(reader, scope, ownerId) !== 'deleted';
  return found(there ? goal : undefined, `goal of a ${scope}`, ownerId);
}

const OWNERS = { thread: 'threads', runtime: 'runtime_threads', session: 'sessions' } as const;

/** @throws `NotFoundError` what the goal is for does not exist or is deleted */
export function requireOwner(reader: Reader, scope: GoalScope, ownerId: string): void {
  if (ownerState(reader, scope, ownerId) === 'live') return;
  throw new NotFoundError(scope === 'runtime' ? 'runtime thread' : scope, ownerId);
}

/** An imported goal may have no owner; it is shown. */
function ownerState(
  reader: Reader,
  scope: GoalScope,
  ownerId: string,
): 'live' | 'deleted' | 'missing' {
  const sql = `select deleted_at is null from ${OWNERS[scope]} where id = ?`;
  const row = reader.rows(sql, [ownerId])[0];
  if (row === undefined) return 'missing';
  return row[0] === 1 ? 'live' : 'deleted';
}

/** Leaves out the goals whose owner is deleted. */
export function ownerNotDeleted(scope: GoalScope | undefined): Condition[] {
  const scopes = scope === undefined ? goalScopeSchema.options : [scope];
  return scopes.map((name) => ({
    sql: `not exists (select 1 from ${OWNERS[name]} o
      where goals.scope = '${name}' and o.id = goals.owner_id and o.deleted_at is not null)`,
  }));
}
