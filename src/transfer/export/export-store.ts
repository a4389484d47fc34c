import * as z from 'zod';
import type { Database } from '../../db/database.ts';
import { fileFailure, isSystemError } from '../../db/file-failure.ts';
import { NotFoundError } from '../../errors.ts';
import { knownIdSchema } from '../../model/validate.ts';
import type { ExportContext } from './export-context.ts';
import { ExportCounter, type ExportProgress, type ExportReport } from './export-report.ts';
import { ExportTarget } from './export-target.ts';
import { writeJsonl } from './jsonl.ts';
import { seqSource, writeCounter, writeEvents } from './legacy-events.ts';
import { writeAutomations, writeRuns, writeTriggers } from './legacy-automations.ts';
import { writeRuntimeGoals, writeSessionGoals } from './legacy-goals.ts';
import { keptRecord, writeKept } from './legacy-kept.ts';
import { extendSessionIndex, writeArtifacts, writeAudit } from './legacy-logs.ts';
import { writeRuntime } from './legacy-runtime.ts';
import { writeOfflineQueues } from './legacy-queues.ts';
import { writeCheckpoints, writeSessions } from './legacy-sessions.ts';
import { writeStateDb } from './legacy-state.ts';
import { writeTaskQueue, writeTasks } from './legacy-tasks.ts';
import { writeMarkdown } from './markdown.ts';
import { fullPath } from '../../model/full-path.ts';

export interface ExportOptions {
  /**
   * `legacy`: a home that the old program reads, and that imports again to the same store; `jsonl`:
   * a line a record; `markdown`: readable transcripts of sessions.
   */
  format: 'legacy' | 'jsonl' | 'markdown';
  /** Only this session, and what belongs to it. */
  session?: string | undefined;
  /** Writes into a folder that is not empty, and replaces files there. */
  force?: boolean | undefined;
  onProgress?: ((progress: ExportProgress) => void) | undefined;
}

export const exportSchema: z.ZodType<ExportOptions> = z.strictObject({
  format: z.enum(['legacy', 'jsonl', 'markdown']),
  session: knownIdSchema.optional(),
  force: z.boolean().optional(),
  onProgress: z
    .custom<(progress: ExportProgress) => void>((value) => typeof value === 'function')
    .optional(),
});

/**
 * Writes the store into a folder, page by page, as it is when the call begins: of what is written
 * meanwhile nothing is in it. The same store gives the same bytes. What was deleted stays behind, and
 * the report says so.
 *
 * Imported records come out as they went in but for what was changed since: number spelling, unknown
 * members and nanoseconds stay. Ids that the old program would refuse are spelled anew; so are short
 * ids that two imported homes had both used, of which the second goes by the id of the store.
 *
 * @param dir - made when it is not there
 * @throws `ConflictError` the folder is a symbolic link, or not empty and `force` is not set
 * @throws `NotFoundError` there is no such session, or it was deleted
 * @throws `DiskFullError` there is no room for all of it; what was written stays
 * @throws `FileSystemError` the folder cannot be written, or went away; what was written stays
 */
export async function exportStore(
  database: Pick<Database, 'snapshot'>,
  dir: string,
  options: ExportOptions,
): Promise<ExportReport> {
  try {
    return await database.snapshot((read) => writeAll(read, dir, options));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    // What is there already stays: with `force` it may stand among files of somebody else.
    throw fileFailure(`the export ${fullPath(dir)} cannot be written, and is not whole`, error);
  }
}

async function writeAll(
  read: Database['read'],
  dir: string,
  options: ExportOptions,
): Promise<ExportReport> {
  const { format, session } = options;
  if (session !== undefined) await requireSession(read, session);
  const context: ExportContext = {
    read,
    target: ExportTarget.open(dir, options.force === true),
    counter: new ExportCounter(),
    session,
    onProgress: options.onProgress,
  };
  if (format === 'legacy') await writeLegacy(context);
  else if (format === 'jsonl') await writeJsonl(context);
  else await writeMarkdown(context);
  const { target, counter } = context;
  target.settle();
  const { records, byKind, skipped } = counter;
  return { format, dir: target.root, files: target.files, records, byKind, skipped };
}

async function requireSession(read: Database['read'], id: string): Promise<void> {
  const sql = `select count(*) from sessions
    where id = ? and deleted_at is null and purged_at is null`;
  const found = await read((reader) => reader.number(sql, [id]));
  if (found === 0) throw new NotFoundError('session', id);
}

async function writeLegacy(context: ExportContext): Promise<void> {
  await writeSessions(context);
  await writeCheckpoints(context);
  await writeOfflineQueues(context);
  await writeSessionGoals(context);
  await writeArtifacts(context);
  if (context.session === undefined) await writeRest(context);
  else await writeKept(context);
}

async function writeRest(context: ExportContext): Promise<void> {
  const seqs = await seqSource(context);
  await writeRuntime(context);
  await writeRuntimeGoals(context);
  await writeEvents(context, seqs);
  await writeTasks(context);
  await writeTaskQueue(context, await context.read((reader) => keptRecord(reader, 'task_queue')));
  await writeAutomations(context);
  await writeRuns(context);
  await writeTriggers(context);
  await writeAudit(context);
  await writeKept(context);
  const counter = await context.read((reader) => keptRecord(reader, 'runtime_state'));
  writeCounter(context, counter, seqs.highest);
  await writeStateDb(context);
  await extendSessionIndex(context);
}
