import { createHash } from 'node:crypto';
import { storeBody } from '../../db/bodies.ts';
import type { Value } from '../../db/connection.ts';
import type { Outcome } from '../../db/import-row.ts';
import type { Reader } from '../../db/reader.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { storeRecordText } from './large-parts.ts';
import {
  fileTime,
  homeLabel,
  object,
  text,
  type Apply,
  type HomeContext,
  type ImportRecord,
} from './record.ts';

/** So many documents of one slot are known again in copies of their home. */
const TAKEN_MAX = 100;

/** A document of this device's own, on its way into the slot that it has in its home. */
interface SlotDocument {
  readonly table: 'session_checkpoints' | 'offline_queue';
  readonly key: string;
  readonly slot: string;
  /** Where it goes when another home filled that slot. */
  readonly aside: string;
  readonly row: Row;
}

/** A turn in flight, kept whole: it is no session before somebody takes it up. */
export const applyCheckpoint: Apply = (transaction, record, context) => {
  const slot = record.path.replace(/^.*\//, '').replace(/\.json$/, '');
  const row = {
    session_id: text(object(record.value, 'metadata'), 'id').trim(),
    saved_at: fileTime(record),
    ...storeRecordText(transaction, record, record.raw),
  };
  const aside = `${slot}-${homeLabel(context.root)}`;
  const document = { table: 'session_checkpoints', key: 'id', slot, aside, row } as const;
  return fillSlot(transaction, record, context, document);
};

/** The one slot of the whole home, under the session that it was typed in. */
export const applyOfflineQueue: Apply = (transaction, record, context) => {
  const row = { saved_at: fileTime(record), ...storeBody(transaction, record.raw) };
  const slot = text(record.value, 'session_id');
  const aside = `${slot}~${homeLabel(context.root)}`;
  const document = { table: 'offline_queue', key: 'session_id', slot, aside, row } as const;
  return fillSlot(transaction, record, context, document);
};

/**
 * Puts a document where its home keeps it, or beside that where another home filled the slot:
 * nothing that somebody typed gets lost. A home stays with the slot that it filled.
 */
function fillSlot(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
  document: SlotDocument,
): Outcome {
  if (isThere(transaction, document)) return 'unchanged';
  if (!take(transaction, record, context, document)) return 'unchanged';
  const { table, key, slot, aside } = document;
  const isFilled = (id: string) =>
    transaction.number(`select count(*) from ${table} where ${key} = ?`, [id]) > 0;
  if (isFilled(aside)) return replace(transaction, document, aside);
  const holding = `\nslot ${table} ${slot}`;
  const own = `${context.root}${holding}`;
  const holders = transaction
    .rows('select path from import_sources where substr(path, -length(?1)) = ?1', [holding])
    .map(([path]) => path as string);
  if (!isFilled(slot)) {
    hold(transaction, record, holders, own);
    return insert(transaction, document, slot);
  }
  if (holders.length > 0 && !holders.includes(own)) return insert(transaction, document, aside);
  hold(transaction, record, holders, own);
  return replace(transaction, document, slot);
}

/** Also where the same home was imported from another place. */
function isThere(reader: Reader, { table, key, slot, aside, row }: SlotDocument): boolean {
  const beside = aside.slice(0, slot.length + 1);
  const sql = `select count(*) from ${table} where body is ? and body_hash is ?
    and (${key} = ? or substr(${key}, 1, ?) = ?)`;
  const { body = null, body_hash: hash = null } = row;
  return reader.number(sql, [body, hash, slot, beside.length, beside]) > 0;
}

/**
 * Notes that a document was taken from its home. One that was taken from another place is a copy: it was
 * cleared since, or gave way to a later one, and stays away.
 */
function take(
  transaction: Transaction,
  { kind }: ImportRecord,
  { root }: HomeContext,
  { table, slot, row }: SlotDocument,
): boolean {
  const digest = row['body_hash'] ?? createHash('sha256').update(String(row['body'])).digest('hex');
  const suffix = `\ntaken ${table} ${slot}`;
  const own = `${root}${suffix}`;
  const lists = transaction
    .rows('select path, ids from import_sources where substr(path, -length(?1)) = ?1', [suffix])
    .map(([path, ids]) => ({ path, digests: JSON.parse(String(ids)) as Value[] }));
  if (lists.some(({ path, digests }) => path !== own && digests.includes(digest))) return false;
  const before = lists.find(({ path }) => path === own)?.digests ?? [];
  const digests = [...before.filter((other) => other !== digest), digest].slice(-TAKEN_MAX);
  transaction.run(
    `insert into import_sources (path, kind, size, hash, records, ignored, ids, imported_at)
     values (?, ?, 0, '', 0, 0, ?, ?)
     on conflict (path) do update set ids = excluded.ids, imported_at = excluded.imported_at`,
    [own, kind, JSON.stringify(digests), transaction.now()],
  );
  return true;
}

/** Notes whose slot it is, as a mark of the home that filled it. */
function hold(
  transaction: Transaction,
  { kind }: ImportRecord,
  holders: readonly string[],
  own: string,
): void {
  for (const path of holders) {
    if (path !== own) transaction.run('delete from import_sources where path = ?', [path]);
  }
  transaction.run(
    `insert or ignore into import_sources (path, kind, size, hash, records, ignored, ids, imported_at)
     values (?, ?, 0, '', 0, 0, '[]', ?)`,
    [own, kind, transaction.now()],
  );
}

function insert(transaction: Transaction, { table, key, row }: SlotDocument, id: string): Outcome {
  transaction.insertPlain(table, [{ [key]: id, ...row }]);
  return 'imported';
}

/** The newer document stays. */
function replace(transaction: Transaction, { table, key, row }: SlotDocument, id: string): Outcome {
  const columns = Object.keys(row);
  const values: Value[] = [...Object.values(row), id, row['saved_at'] ?? 0];
  const changed = transaction.run(
    `update ${table} set ${columns.map((name) => `${name} = ?`).join(', ')}
     where ${key} = ? and saved_at <= ?`,
    values,
  );
  return changed > 0 ? 'updated' : 'unchanged';
}
