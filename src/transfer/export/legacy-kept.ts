import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Reader } from '../../db/reader.ts';
import {
  bodyOf,
  eachRow,
  type ExportContext,
  type Later,
  type RowQuery,
} from './export-context.ts';
import type { LineFile } from './export-target.ts';
import { keptFileName } from './legacy-names.ts';
import { RUNTIME } from './legacy-runtime.ts';
import { writeRecord } from './write-record.ts';
import { legacyRecords } from '../../model/registers.ts';

interface KeptRow {
  readonly id: string;
  readonly kind: string;
  readonly path: string;
  readonly position: number;
  readonly owner_id: string | null;
  readonly modified_at: number;
}

const COLUMNS = ['id', 'kind', 'path', 'position', 'owner_id', 'modified_at'] as const;

/** Written elsewhere, together with what changed since. */
const ELSEWHERE = ['runtime_state', 'task_queue'];
const FOLDERS: ReadonlyMap<string, string> = new Map([
  ['session_index', ''],
  ['session_boot_owners', 'sessions'],
  ['work_graph_archive', 'sessions/.work-graph-import-archive'],
  ['agent_mail', `${RUNTIME}/agent-mail`],
  ['runtime_owner', RUNTIME],
  ['turns', `${RUNTIME}/turns`],
  ['items', `${RUNTIME}/items`],
  ['events', `${RUNTIME}/events`],
]);
/** Kinds that belong to a session and go with it. */
const OF_SESSION = new Set(['approval_receipts', 'work_graph_archive']);

/** A record as it was; `modifiedAt` only where its file's time was kept. */
export interface KeptDocument {
  readonly raw: string;
  readonly modifiedAt: number | undefined;
}

/** The one kept record of a kind; of several homes that of the first. */
export function keptRecord(reader: Reader, kind: string): KeptDocument | undefined {
  const rows = reader.list<KeptRow>(COLUMNS, 'from legacy_records where kind = ? order by id', [
    kind,
  ]);
  const row = rows.find(isOfFirstHome) ?? rows[0];
  return (
    row && {
      raw: bodyOf(reader, 'legacy_records', row.id),
      modifiedAt: row.modified_at || undefined,
    }
  );
}

/**
 * Writes back what the store keeps word for word, each where it stood. Where two homes were imported
 * and both have a file, that of the first is written; lines of both are, by their place in their file.
 */
export async function writeKept(context: ExportContext): Promise<void> {
  await writeLines(context);
  for (const first of [true, false]) {
    await eachKept(context, 'position = 0', (reader, row, later) => {
      if (isOfFirstHome(row) === first) writeFile(context, reader, row, later);
    });
  }
}

function writeFile(context: ExportContext, reader: Reader, row: KeptRow, later: Later): void {
  const path = placeOf(context, reader, row);
  if (path === undefined) return;
  if (context.target.has(path)) {
    context.counter.skip(row.kind, 'duplicate');
    return;
  }
  const modifiedMs = row.modified_at || undefined;
  const file = { table: legacyRecords, id: row.id, path, modifiedMs };
  writeRecord(context, reader, file, later, (body) => {
    const same = () => body;
    return { isCut: false, result: same, marked: same };
  });
  context.counter.add(row.kind);
}

async function writeLines(context: ExportContext): Promise<void> {
  const log = new LineWriter(context);
  /** Receipts that two homes have in common: asked twice, they would lock the session. */
  const receipts = new Set<string>();
  try {
    await eachKept(context, 'position > 0', (reader, row) => {
      const path = placeOf(context, reader, row);
      if (path === undefined) return;
      const raw = bodyOf(reader, 'legacy_records', row.id);
      if (row.kind === 'approval_receipts') {
        const digest = digestOf(`${path}\n${raw}`);
        if (receipts.has(digest)) return;
        receipts.add(digest);
      }
      log.write(path, raw, row.modified_at);
      context.counter.add(row.kind);
    });
  } finally {
    log.close();
  }
}

/** Rows come file by file, so that one file is open at a time. */
class LineWriter {
  readonly #context: ExportContext;
  #path: string | undefined;
  #file: LineFile | undefined;
  #modifiedAt = 0;

  constructor(context: ExportContext) {
    this.#context = context;
  }

  write(path: string, line: string, modifiedAt: number): void {
    if (path !== this.#path) {
      this.close();
      this.#path = path;
      this.#file = this.#context.target.lines(path);
    }
    this.#modifiedAt = Math.max(this.#modifiedAt, modifiedAt);
    this.#file?.write(line);
  }

  close(): void {
    this.#file?.close(this.#modifiedAt === 0 ? undefined : this.#modifiedAt);
    this.#file = undefined;
    this.#path = undefined;
    this.#modifiedAt = 0;
  }
}

/** By file, then by place in it. */
async function eachKept(
  context: ExportContext,
  condition: string,
  job: (reader: Reader, row: KeptRow, later: Later) => void,
): Promise<void> {
  const { session } = context;
  const query: RowQuery<KeptRow> = {
    kind: 'kept records',
    columns: COLUMNS,
    from: `from legacy_records where ${condition} and body is not 'null' and kind not like 'state.%'
      and kind not in (${ELSEWHERE.map((kind) => `'${kind}'`).join(', ')})
      ${session === undefined ? '' : 'and owner_id = ?'}`,
    params: session === undefined ? [] : [session],
    key: ['kind', 'path', 'position', 'id'],
  };
  await eachRow(context, query, (reader, row, later) => {
    if (session === undefined || OF_SESSION.has(row.kind)) job(reader, row, later);
  });
}

/** Where a record goes; undefined for one that is not written. */
function placeOf(context: ExportContext, reader: Reader, row: KeptRow): string | undefined {
  if (OF_SESSION.has(row.kind) && isDeletedSession(reader, row.owner_id ?? '')) {
    context.counter.skip(row.kind, 'deleted');
    return undefined;
  }
  const name = keptFileName(posix.basename(row.path));
  const parent = keptFileName(posix.basename(posix.dirname(row.path)));
  const folder = FOLDERS.get(row.kind);
  if (folder !== undefined) return folder === '' ? name : `${folder}/${name}`;
  if (row.kind === 'approval_receipts') return `sessions/${parent}/${name}`;
  if (row.kind === 'automation_runs') return `automations/runs/${parent}/${name}`;
  context.counter.skip(row.kind, 'unplaced');
  return undefined;
}

function isDeletedSession(reader: Reader, id: string): boolean {
  const sql = 'select count(*) from sessions where id = ? and deleted_at is not null';
  return reader.number(sql, [id]) > 0;
}

/** The id of a kept record is made of its place, with a label for every home but the first. */
function isOfFirstHome({ id, kind, path, position }: KeptRow): boolean {
  return digestOf(JSON.stringify(['', kind, path, position])).startsWith(id);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
