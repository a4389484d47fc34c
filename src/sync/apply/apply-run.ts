import { storeBody } from '../../db/bodies.ts';
import type { Value } from '../../db/connection.ts';
import type { Row } from '../../db/transaction.ts';
import { DatabaseError, SealError } from '../../errors.ts';
import { rootOf } from '../roots.ts';
import { afterAdding, lastSeqOf, type Addition } from './apply-row.ts';
import { isRootPurged, type ApplyContext } from './context.ts';
import type { Opened } from './open-entry.ts';
import { splitColumns } from './shape.ts';

/**
 * Rows of one statement. Of 50,000 events, commits not counted, each took 4.0 µs alone, 3.3 µs among
 * ten, and 2.6 µs among fifty.
 */
export const RUN_ROWS = 32;

type OpenedRow = Extract<Opened, { kind: 'row' | 'purged' }>;

/** The rows of one immutable table that make a run from `start` on; undefined where there are fewer. */
export function runAt(opened: readonly Opened[], start: number): OpenedRow[] | undefined {
  const run: OpenedRow[] = [];
  for (let i = start; i < start + RUN_ROWS; i++) {
    const one = opened[i];
    if (one?.kind !== 'row' || one.table !== (run[0] ?? one).table) return undefined;
    run.push(one);
  }
  return run;
}

/**
 * Adds a run of rows by one statement, where all of them are new here and each needs no more than to be
 * added: in a first pull that is nearly every row.
 *
 * @returns false: none was added; one by one each gets what it needs
 */
export function applyRun(context: ApplyContext, run: readonly OpenedRow[]): boolean {
  const table = (run[0] as OpenedRow).table;
  const lastSeq = new Map<string, number>();
  const additions: Addition[] = [];
  try {
    for (const one of run) {
      const addition = additionOf(context, one, lastSeq);
      if (!addition) return false;
      additions.push(addition);
    }
    const values: Value[] = [];
    for (const { row } of additions) values.push(...Object.values(row));
    const [{ row }] = additions as [Addition];
    // A row that the schema refuses, or whose id is taken, takes back all of the statement.
    context.transaction.run(context.shapes.insertSql(table.name, row, run.length), values);
  } catch (error) {
    if (!(error instanceof SealError) && !(error instanceof DatabaseError)) throw error;
    return false;
  }
  for (const [thread, last] of lastSeq) context.lastSeq.set(thread, last);
  afterAdding(context, table, additions);
  return true;
}

/** @returns undefined where the row needs more than to be added */
function additionOf(
  context: ApplyContext,
  { table, payload }: OpenedRow,
  lastSeq: Map<string, number>,
): Addition | undefined {
  if (payload.h) return undefined;
  const { transaction, shapes, round } = context;
  const { known, unknown } = splitColumns(
    shapes.of(transaction, table.name),
    table.columns,
    payload.c,
  );
  if (Object.keys(unknown).length > 0) return undefined;
  const row: Row = known;
  const root = rootOf(transaction, table.name, known);
  if (root && isRootPurged(context, root)) return undefined;
  const body = storeBody(transaction, payload.t ?? 'null');
  row['body'] = body.body;
  row['body_hash'] = body.body_hash;
  row['device'] = payload.d ?? '';
  row['pulled'] = round;
  row['id'] = payload.i;
  if (table.name === 'runtime_events') {
    const thread = String(row['thread_id']);
    if (context.gaps?.has(transaction, thread)) return undefined;
    const seq = (lastSeq.get(thread) ?? lastSeqOf(context, thread)) + 1;
    lastSeq.set(thread, seq);
    row['seq'] = seq;
  }
  return { row, root };
}
