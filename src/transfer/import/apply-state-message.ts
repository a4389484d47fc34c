import { createHash } from 'node:crypto';
import { branchIds, currentLeaf, followsBranch, moveLeaf } from '../../areas/message-tree.ts';
import { THREAD_TREE } from '../../areas/thread-messages.ts';
import { loadBody, storeBody, type BodyColumns } from '../../db/bodies.ts';
import { importPlain } from '../../db/import-row.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { objectMembers, parseJson } from '../../model/json-text.ts';
import { clashId } from '../../model/merge.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import { seconds, text, type Apply, type HomeContext } from './record.ts';

const KIND = 'state.messages';

/**
 * A row of `messages`. Two copies of a state.db that went on apart give one number to two messages of
 * a thread: both stay, the second under an id that its content makes, the same on every machine.
 */
export const applyStateMessage: Apply = (transaction, record, context) => {
  const outcome = addMessage(transaction, record, context);
  goOn(transaction, text(record.value, 'thread_id'), record.id ?? '', context);
  return outcome;
};

const addMessage: Apply = (transaction, record, context) => {
  const { value, raw, mark } = record;
  const threadId = text(value, 'thread_id');
  const parent = exactInteger(record.exported ?? raw, 'parent_entry_id');
  const plainId = stateMessageId(threadId, record.id ?? '');
  const row = {
    thread_id: threadId,
    parent_id: parent === null ? null : context.idOf(KIND, stateMessageId(threadId, parent)),
    role: text(value, 'role'),
    created_at: seconds(value, 'created_at') ?? 0,
  };
  if (mark?.id !== undefined && mark.device !== undefined && mark.at !== undefined) {
    const own = { id: mark.id, device: mark.device };
    const said = { ...row, parent_id: mark.parent ?? null, created_at: mark.at };
    const isTrue = Math.floor(mark.at / 1000) * 1000 === row.created_at;
    const body = own.device === IMPORT_DEVICE ? raw : ownBody(raw);
    if (isTrue && !isTaken(transaction, own.id, said, raw)) {
      context.rename(KIND, plainId, own.id);
      followLeaf(transaction, threadId, plainId, own.id, context);
      const added = { ...own, ...said, ...storeBody(transaction, body) };
      return importPlain(transaction, 'thread_messages', added);
    }
  }
  if (!isTaken(transaction, plainId, row, raw)) {
    return importPlain(transaction, 'thread_messages', {
      id: plainId,
      ...row,
      ...storeBody(transaction, raw),
    });
  }
  const said = JSON.stringify([...Object.values(row), ...saidIn(raw)]);
  const id = clashId(plainId, createHash('sha256').update(said).digest('hex'));
  context.rename(KIND, plainId, id);
  followLeaf(transaction, threadId, plainId, id, context);
  return importPlain(transaction, 'thread_messages', {
    id,
    ...row,
    ...storeBody(transaction, raw),
  });
};

/** The numbers of the old table are unique in one file only, so the thread's id goes with them. */
export function stateMessageId(threadId: string, number: string): string {
  return `msg${number}~${createHash('sha256').update(threadId).digest('hex').slice(0, 16)}`;
}

/** An integer of a row as it is spelled, because it may pass 2^53; null where there is none. */
export function exactInteger(raw: string, key: string): string | null {
  const json = objectMembers(raw).find((member) => member.key === key)?.value;
  return json !== undefined && /^-?\d+$/.test(json) ? json : null;
}

/** Whether the store has another message under this id. Columns of later versions say nothing. */
function isTaken(transaction: Transaction, id: string, row: Row, raw: string): boolean {
  const names = Object.keys(row);
  const held = transaction.first<Row & BodyColumns>(
    [...names, 'body', 'body_hash'],
    'from thread_messages where id = ?',
    [id],
  );
  if (!held) return false;
  if (names.some((name) => held[name] !== row[name])) return true;
  const body = loadBody(transaction, held);
  return body !== raw && JSON.stringify(saidIn(body)) !== JSON.stringify(saidIn(raw));
}

/** What the message says, as it is spelled. */
function saidIn(raw: string): (string | null)[] {
  const members = new Map(objectMembers(raw).map(({ key, value }) => [key, value]));
  const item = members.get('item') ?? 'null';
  const itemJson = members.get('item_json') ?? (item === 'null' ? item : JSON.stringify(item));
  return [members.get('content') ?? 'null', itemJson];
}

/** The body of a message of the library, of the row that an export made of it. */
function ownBody(raw: string): string {
  const [content = '""', item = 'null'] = saidIn(raw);
  const json = item === 'null' ? item : (parseJson(item as string) as string);
  return `{"content":${content},"item":${json}}`;
}

/** Whoever is at the end of a conversation goes along where that of the file goes on from there. */
function goOn(
  transaction: Transaction,
  threadId: string,
  number: string,
  context: HomeContext,
): void {
  const plainId = stateMessageId(threadId, number);
  if (context.ends.get(threadId) !== plainId) return;
  const current = currentLeaf(transaction, THREAD_TREE, threadId);
  const end = context.idOf(KIND, plainId);
  if (current === null || current === end) return;
  if (!followsBranch(transaction, THREAD_TREE, threadId)) return;
  const before = { limit: Number.MAX_SAFE_INTEGER, offset: 1 };
  if (!branchIds(transaction, THREAD_TREE, threadId, end, before).includes(current)) return;
  moveLeaf(transaction, THREAD_TREE, threadId, end);
}

/** The thread's row came from this file, and named the message by its number. */
function followLeaf(
  transaction: Transaction,
  threadId: string,
  plainId: string,
  id: string,
  context: HomeContext,
): void {
  if (context.leaves.get(threadId) !== plainId) return;
  transaction.run('update thread_leaves set leaf_id = ? where thread_id = ? and leaf_id = ?', [
    id,
    threadId,
    plainId,
  ]);
}
