import type { Reader } from '../../db/reader.ts';
import { bodyOf, eachRow, ownedBy, type ExportContext } from './export-context.ts';
import { legacyId, sessionFileName } from './legacy-names.ts';
import { RUNTIME } from './legacy-runtime.ts';
import { RecordPatch } from './record-patch.ts';
import { recordText } from './record-text.ts';
import { saidOf, textDigest } from './said.ts';
import { goals } from '../../model/registers.ts';

export interface GoalRow {
  readonly id: string;
  readonly owner_id: string;
  readonly status: string;
  readonly objective: string;
  readonly updated_at: number;
}

const COLUMNS = ['id', 'owner_id', 'status', 'objective', 'updated_at'] as const;
const OWNERS = { thread: 'threads', runtime: 'runtime_threads', session: 'sessions' } as const;

/** The old program refuses the goal of a session with any other member. */
const SESSION_KEYS: ReadonlySet<string> = new Set([
  'schema_version',
  'objective',
  'status',
  'token_budget',
  'tokens_used',
  'time_used_seconds',
  'continuation_count',
  'elapsed_seconds',
  'pause_reason',
]);
const SESSION_STATUS = new Set(['active', 'paused', 'complete', 'blocked']);
const STATUS = new Set([...SESSION_STATUS, 'usage_limited', 'budget_limited']);

/** Goals of one scope, but for those whose owner was deleted; one without an owner is kept. */
export async function eachGoal(
  context: ExportContext,
  kind: string,
  scope: keyof typeof OWNERS,
  job: (reader: Reader, row: GoalRow) => void,
): Promise<void> {
  const { session } = context;
  const owner = OWNERS[scope];
  const query = {
    kind,
    columns: COLUMNS,
    from: `from goals g where scope = ? and g.deleted_at is null
      and (${ownedBy(owner, 'g.owner_id')}
        or not exists (select 1 from ${owner} o where o.id = g.owner_id))
      ${session === undefined ? '' : 'and g.owner_id = ?'}`,
    params: session === undefined ? [scope] : [scope, session],
    key: 'id',
  };
  await eachRow<GoalRow>(context, query, job);
}

/** `sessions/.goals/<session>.json`, which has no time but that of the file. */
export async function writeSessionGoals(context: ExportContext): Promise<void> {
  await eachGoal(context, 'session_goals', 'session', (reader, row) => {
    const goal = sessionGoalRecord(row, bodyOf(reader, 'goals', row.id));
    const path = `sessions/.goals/${sessionFileName(row.owner_id)}.json`;
    context.target.write(path, recordText(goal.result()), row.updated_at);
    if (goal.isCut) context.counter.skip('session_goals.details', 'no_place');
    context.counter.add('session_goals');
  });
}

/** `tasks/runtime/goals/<thread>.json`. */
export async function writeRuntimeGoals(context: ExportContext): Promise<void> {
  await eachGoal(context, 'runtime_goals', 'runtime', (reader, row) => {
    const goal = runtimeGoalRecord(row, bodyOf(reader, 'goals', row.id));
    const path = `${RUNTIME}/goals/${legacyId(row.owner_id)}.json`;
    const said = (raw: string) => saidOf(reader, goals, row.id, textDigest(raw));
    context.target.write(path, recordText(goal.marked(said)));
    context.counter.add('runtime_goals');
  });
}

function sessionGoalRecord(row: GoalRow, body: string): RecordPatch {
  return new RecordPatch(body)
    .only(SESSION_KEYS)
    .text('objective', row.objective)
    .text('status', SESSION_STATUS.has(row.status) ? row.status : 'paused');
}

function runtimeGoalRecord(row: GoalRow, body: string): RecordPatch {
  return goalRecord(row, new RecordPatch(body).reference('thread_id', row.owner_id));
}

/** A goal of a thread in state.db. */
export function threadGoalRecord(row: GoalRow, body: string): RecordPatch {
  return goalRecord(row, new RecordPatch(body).text('thread_id', row.owner_id));
}

/** Of a thread, in state.db or of the runtime: times in seconds, nothing left out. */
function goalRecord(row: GoalRow, goal: RecordPatch): RecordPatch {
  const seconds = String(Math.floor(row.updated_at / 1000));
  return goal
    .fallback('goal_id', JSON.stringify(`goal-${row.owner_id}`))
    .text('objective', row.objective)
    .text('status', STATUS.has(row.status) ? row.status : 'paused')
    .fallback('tokens_used', '0')
    .fallback('time_used_seconds', '0')
    .fallback('continuation_count', '0')
    .fallback('created_at', seconds)
    .seconds('updated_at', row.updated_at);
}

const RECORDS = {
  thread: threadGoalRecord,
  runtime: runtimeGoalRecord,
  session: sessionGoalRecord,
} as const;

/** As an export would have it; undefined where there is no such row. */
export function exportedGoal(
  scope: keyof typeof RECORDS,
  reader: Reader,
  ownerId: string,
): RecordPatch | undefined {
  const id = `${scope}/${ownerId}`;
  const row = reader.first<GoalRow>(COLUMNS, 'from goals where id = ?', [id]);
  return row && RECORDS[scope](row, bodyOf(reader, 'goals', id));
}
