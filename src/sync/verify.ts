import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { readBlob } from '../db/bodies.ts';
import type { Database } from '../db/database.ts';
import { contentHashOf, payloadOf, type Columns } from '../db/content.ts';
import type { Reader } from '../db/reader.ts';
import { syncedColumns, unknownColumns } from '../db/synced-rows.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../model/registers.ts';
import type { MutableTable, ImmutableTable } from '../model/table-kinds.ts';

export interface TableDigest {
  rows: number;
  digest: string;
}

export interface Digest {
  /** SHA-256 over everything that is synced, in hex: equal on devices that hold the same. */
  digest: string;
  tables: Record<string, TableDigest>;
}

const STEP = 500;

/** Digests what is synced: every column of every row with its versions, in the order of the ids. */
export async function digestStore(database: Database): Promise<Digest> {
  const tables: Record<string, TableDigest> = {};
  for (const table of [...MUTABLE_TABLES, ...IMMUTABLE_TABLES]) {
    tables[table.name] = await digestTable(database, table);
  }
  const digest = createHash('sha256').update(JSON.stringify(tables)).digest('hex');
  return { digest, tables };
}

async function digestTable(
  database: Database,
  table: MutableTable | ImmutableTable,
): Promise<TableDigest> {
  const hash = createHash('sha256');
  let rows = 0;
  let after = '';
  for (;;) {
    const last = await database.read((reader) => {
      const page = reader.list<Columns>(
        syncedColumns(table),
        `from ${table.name} where id > ? order by id limit ${STEP}`,
        [after],
      );
      for (const row of page) digestRow(reader, hash, table, row);
      rows += page.length;
      return page.at(-1)?.['id'];
    });
    if (last === undefined) return { rows, digest: hash.digest('hex') };
    after = last as string;
    await setImmediate();
  }
}

/** Bodies by their content: one device may keep in the row what another keeps among the blobs. */
function digestRow(
  reader: Reader,
  hash: Hash,
  table: MutableTable | ImmutableTable,
  row: Columns,
): void {
  const names = syncedColumns(table);
  const columns = table.kind === 'immutable' ? table.columns : names;
  const payload = payloadOf(reader, table.name, row, columns, undefined);
  // Not the hash that the row claims: that of what is there.
  const body = payload.h && { h: { ...payload.h, hash: hashOf(reader, payload.h.hash) } };
  const content = contentHashOf(table.name, { ...payload, ...body, d: row['device'] as string });
  const unknown = [...unknownColumns(reader, table.name, row['id'] as string)].sort();
  hash.update(`${content}${unknown.length > 0 ? JSON.stringify(unknown) : ''}\n`);
}

function hashOf(reader: Reader, blob: string): string {
  const hash = createHash('sha256');
  for (const piece of readBlob(reader, blob)) hash.update(piece);
  return hash.digest('hex');
}
