import * as z from 'zod';
import type { Database } from '../db/database.ts';
import type { Stamper, Transaction } from '../db/transaction.ts';
import { OPEN } from '../areas/runtime-rows.ts';
import { runtimeThreads, sessions, tasks, threads } from '../model/registers.ts';
import type { MutableTable } from '../model/table-kinds.ts';
import { timeSchema } from '../model/validate.ts';

export const pruneSchema = z.strictObject({
  /** Everything whose last update is older than this. */
  before: timeSchema,
  /** Sessions and threads that are not archived, too. */
  all: z.boolean().default(false),
  /** Counts only. */
  dryRun: z.boolean().default(false),
});

export type PruneOptions = z.input<typeof pruneSchema>;

export interface PruneResult {
  sessions: number;
  threads: number;
  runtimeThreads: number;
  tasks: number;
  dryRun: boolean;
}

const BATCH = 200;
const FINISHED = `status in ('completed', 'failed', 'canceled')`;

interface Rule {
  readonly result: Exclude<keyof PruneResult, 'dryRun'>;
  readonly table: MutableTable;
  /** What may go unless all may. */
  readonly archived: string;
  /** Work that has not ended never goes. */
  readonly ended: string;
}

const RULES: readonly Rule[] = [
  { result: 'sessions', table: sessions, archived: 'archived_at is not null', ended: 'true' },
  { result: 'threads', table: threads, archived: 'archived = 1', ended: 'true' },
  {
    result: 'runtimeThreads',
    table: runtimeThreads,
    archived: 'archived = 1',
    ended: `not exists (select 1 from runtime_turns u where u.thread_id = runtime_threads.id and u.${OPEN})`,
  },
  { result: 'tasks', table: tasks, archived: 'true', ended: FINISHED },
];

/**
 * Deletes what is archived or finished and older than a time, on every device. All of it can be
 * restored; nothing is deleted that the options do not name.
 */
export async function prune(
  database: Database,
  stamper: Stamper,
  options: z.output<typeof pruneSchema>,
): Promise<PruneResult> {
  const result = { sessions: 0, threads: 0, runtimeThreads: 0, tasks: 0, dryRun: options.dryRun };
  for (const rule of RULES) {
    const where = `from ${rule.table.name} where deleted_at is null and updated_at < ?
      and ${rule.ended} and ${options.all ? 'true' : rule.archived}`;
    if (options.dryRun) {
      result[rule.result] = await database.read((reader) =>
        reader.number(`select count(*) ${where}`, [options.before]),
      );
      continue;
    }
    for (;;) {
      const count = await database.write(stamper, (transaction) =>
        deleteSome(transaction, rule.table, where, options.before),
      );
      result[rule.result] += count;
      if (count < BATCH) break;
    }
  }
  return result;
}

function deleteSome(
  transaction: Transaction,
  table: MutableTable,
  where: string,
  before: number,
): number {
  const rows = transaction.list<{ id: string }>(['id'], `${where} limit ${BATCH}`, [before]);
  for (const { id } of rows) transaction.update(table, id, { deleted_at: transaction.now() });
  return rows.length;
}
