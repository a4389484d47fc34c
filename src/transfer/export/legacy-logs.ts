import { posix } from 'node:path';
import { readBlob } from '../../db/bodies.ts';
import { auditLine, auditTime, keptTime } from '../../model/legacy-lines.ts';
import { withMark } from '../../model/row-mark.ts';
import { deviceOf, IMPORT_DEVICE } from '../../model/version.ts';
import { bodyOf, eachRow, live, type ExportContext, type RowQuery } from './export-context.ts';
import { keptFileName, legacyId, plainFileName } from './legacy-names.ts';
import { RecordPatch } from './record-patch.ts';
import { wellFormedJson } from './record-text.ts';

interface AuditRow {
  readonly id: string;
  readonly number: number;
  readonly event: string;
  readonly created_at: number;
  readonly legacy: string | null;
  readonly device: string;
}

/** `audit.log`, all of it in one file: the old program moves it aside when it has grown. */
export async function writeAudit(context: ExportContext): Promise<void> {
  const any = await context.read((reader) =>
    reader.number('select exists (select 1 from audit_log)'),
  );
  if (any === 0) return;
  const file = context.target.lines('audit.log');
  try {
    const query: RowQuery<AuditRow> = {
      kind: 'audit',
      columns: ['id', 'number', 'event', 'created_at', 'legacy', 'device'],
      from: 'from audit_log where 1',
      key: 'number',
    };
    await eachRow(context, query, (reader, row) => {
      const { id, device } = row;
      const line = lineOf(row, bodyOf(reader, 'audit_log', id));
      const text = device === IMPORT_DEVICE ? line : withMark(line, { id, device });
      file.write(wellFormedJson(text));
      context.counter.add('audit');
    });
  } finally {
    file.close();
  }
}

function lineOf(row: AuditRow, details: string): string {
  const ts = keptTime(row.legacy);
  if (row.legacy === null || ts !== undefined) {
    return auditLine(ts ?? auditTime(row.created_at), row.event, details);
  }
  const line = new RecordPatch(row.legacy);
  return line.has('details') ? line.setJson('details', details).result() : line.result();
}

/**
 * Lines of `session_index.jsonl` for threads whose title changed since they were imported: the last
 * line of a thread is what the old program finds it by.
 */
export async function extendSessionIndex(context: ExportContext): Promise<void> {
  const lines: string[] = [];
  const query: RowQuery<{
    id: string;
    title: string | null;
    updated_at: number;
    title_version: string;
  }> = {
    kind: 'session_index',
    columns: ['id', 'title', 'updated_at', 'title_version'],
    from: `from threads t where ${live('t')}`,
    key: 'id',
  };
  await eachRow(context, query, (reader, row) => {
    if (deviceOf(row.title_version) === IMPORT_DEVICE) return;
    const rollout = new RecordPatch(bodyOf(reader, 'threads', row.id)).json('rollout_path');
    const line =
      `{"thread_id":${JSON.stringify(row.id)},"thread_name":${JSON.stringify(row.title)},` +
      `"updated_at":${Math.floor(row.updated_at / 1000)},"rollout_path":${rollout ?? 'null'}}`;
    lines.push(withMark(line, { made: true }));
  });
  if (lines.length === 0) return;
  const file = context.target.lines('session_index.jsonl');
  for (const line of lines) file.write(line);
  file.close();
  context.counter.add('session_index', lines.length);
}

interface ArtifactRow {
  readonly id: string;
  readonly owner_kind: 'session' | 'task';
  readonly owner_id: string;
  readonly path: string;
  readonly modified_at: number;
  readonly body_hash: string;
}

const OWNERS = { session: 'sessions', task: 'tasks' } as const;

/** Files of sessions and tasks, byte by byte, where the old program looks for them. */
export async function writeArtifacts(context: ExportContext): Promise<void> {
  const { session, target, counter } = context;
  const query: RowQuery<ArtifactRow> = {
    kind: 'artifacts',
    columns: ['id', 'owner_kind', 'owner_id', 'path', 'modified_at', 'body_hash'],
    from: `from artifacts where deleted_at is null and ${session === undefined ? '1' : `owner_kind = 'session' and owner_id = ?`}`,
    params: session === undefined ? [] : [session],
    key: 'id',
  };
  await eachRow(context, query, (reader, row) => {
    const table = OWNERS[row.owner_kind];
    const gone = `select count(*) from ${table} where id = ? and deleted_at is not null`;
    if (reader.number(gone, [row.owner_id]) > 0) {
      counter.skip('artifacts', 'deleted');
      return;
    }
    const path = artifactPath(row);
    if (target.has(path)) counter.skip('artifacts', 'duplicate');
    else {
      target.write(path, readBlob(reader, row.body_hash), row.modified_at || undefined);
      counter.add('artifacts');
    }
  });
}

function artifactPath(row: ArtifactRow): string {
  const name = keptFileName(posix.basename(row.path));
  return row.owner_kind === 'session'
    ? `sessions/${legacyId(row.owner_id)}/artifacts/${name}`
    : `tasks/artifacts/${plainFileName(row.owner_id)}/${name}`;
}
