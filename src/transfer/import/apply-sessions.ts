import { storeBody } from '../../db/bodies.ts';
import { importPlain, importRow, noteForSearch } from '../../db/import-row.ts';
import type { Row } from '../../db/transaction.ts';
import { splitSession } from '../../model/legacy-session.ts';
import { sessions } from '../../model/registers.ts';
import { parseTime } from '../../model/time.ts';
import { followFile, heldConversation } from './follow-file.ts';
import { storeRecordText } from './large-parts.ts';
import { object, requiredTime, text, textOrNull, type Apply, type HomeContext } from './record.ts';

/** A session file: its metadata, its messages as rows, the branch that it is on. */
export const applySession: Apply = (transaction, record, context) => {
  const metadata = object(record.value, 'metadata');
  const id = text(metadata, 'id');
  const updatedAt = requiredTime(metadata, 'updated_at');
  const split = record.large?.split ?? splitSession(id, record.raw);
  const held = heldConversation(transaction, id);
  let added = false;
  for (const message of split.rows) {
    const outcome = importPlain(transaction, 'session_messages', {
      id: message.id,
      session_id: id,
      parent_id: message.parentId,
      role: message.role,
      created_at: message.createdAt === null ? null : parseTime(message.createdAt),
      ...storeRecordText(transaction, record, message.body),
    });
    if (outcome === 'imported') added = true;
    const at = (message.createdAt === null ? null : parseTime(message.createdAt)) ?? updatedAt;
    noteForSearch(transaction, outcome, { kind: 'message', refId: message.id, ownerId: id, at });
  }
  const body = storeRecordText(transaction, record, split.skeleton);
  const outcome = importRow(
    transaction,
    sessions,
    {
      id,
      title: text(metadata, 'title'),
      workspace: text(metadata, 'workspace'),
      model: text(metadata, 'model'),
      parent_id: textOrNull(metadata, 'parent_session_id'),
      created_at: requiredTime(metadata, 'created_at'),
      archived_at: metadata['archived'] === true ? updatedAt : null,
      deleted_at: null,
      updated_at: updatedAt,
      message_count: held?.length ?? 0,
      ...body,
    },
    updatedAt,
    context.isSuccessor(transaction, record.path),
  );
  followFile(transaction, id, { ...split, body }, held);
  noteForSearch(transaction, outcome, { kind: 'session', refId: id, ownerId: id, at: updatedAt });
  return outcome === 'unchanged' && added ? 'updated' : outcome;
};

/** A turn in flight, kept whole: it is no session before somebody takes it up. */
export const applyCheckpoint: Apply = (transaction, record, context) => {
  const name = record.path.replace(/^.*\//, '').replace(/\.json$/, '');
  const row = {
    session_id: text(object(record.value, 'metadata'), 'id'),
    saved_at: Math.round(record.mtimeMs),
    ...storeRecordText(transaction, record, record.raw),
  };
  const id = name === 'latest' ? latestSlot(transaction, context, row) : name;
  return replaceLocal(transaction, 'session_checkpoints', 'id', id, row);
};

/** Every home has one slot of this name; that of a copy is the one that it was copied from. */
function latestSlot(
  transaction: Parameters<Apply>[0],
  { label }: HomeContext,
  { body, body_hash: hash }: Pick<Row, 'body' | 'body_hash'>,
): string {
  const same = transaction.rows(
    `select id from session_checkpoints where (id = 'latest' or id like 'latest-%')
     and body is ? and body_hash is ?`,
    [body ?? null, hash ?? null],
  )[0];
  if (same) return same[0] as string;
  return label === '' ? 'latest' : `latest-${label}`;
}

/** The one slot of the whole home, under the session that it was typed in. */
export const applyOfflineQueue: Apply = (transaction, record) => {
  const row = { saved_at: Math.round(record.mtimeMs), ...storeBody(transaction, record.raw) };
  const sessionId = text(record.value, 'session_id');
  return replaceLocal(transaction, 'offline_queue', 'session_id', sessionId, row);
};

function replaceLocal(
  transaction: Parameters<Apply>[0],
  table: string,
  key: string,
  id: string,
  row: Record<string, string | number | bigint | Uint8Array | null>,
) {
  const columns = Object.keys(row);
  const old = transaction.first<Record<string, unknown>>(
    columns,
    `from ${table} where ${key} = ?`,
    [id],
  );
  if (!old) {
    transaction.insertPlain(table, [{ [key]: id, ...row }]);
    return 'imported';
  }
  const same = old['body'] === row['body'] && old['body_hash'] === row['body_hash'];
  if (same || Number(old['saved_at']) > Number(row['saved_at'])) return 'unchanged';
  transaction.run(
    `update ${table} set ${columns.map((name) => `${name} = ?`).join(', ')} where ${key} = ?`,
    [...Object.values(row), id],
  );
  return 'updated';
}
