import * as z from 'zod';
import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { InvalidInputError, NotFoundError } from '../errors.ts';
import { membersOf } from '../model/record-body.ts';
import type { ThreadLeaf, ThreadMessage } from '../model/thread.ts';
import { formatTime } from '../model/time.ts';
import { listBranches } from './branch-ends.ts';
import { branchIds, currentLeaf, isMember, moveLeaf, type MessageTree } from './message-tree.ts';
import { newUlid } from './new-id.ts';
import { foreignCursor, found, type Page } from './page.ts';
import { columnJson } from './thread-rows.ts';

export const THREAD_TREE: MessageTree = {
  messages: 'thread_messages',
  leaves: 'thread_leaves',
  owner: 'thread_id',
};

const COLUMNS = [
  'id',
  'thread_id',
  'parent_id',
  'role',
  'created_at',
  'device',
  'body',
  'body_hash',
] as const;

interface MessageRow extends BodyColumns {
  readonly id: string;
  readonly thread_id: string;
  readonly parent_id: string | null;
  readonly role: string;
  readonly created_at: number;
  readonly device: string;
}

/** @throws `NotFoundError` the message is not one of the thread */
export function memberOfThread(reader: Reader, threadId: string, messageId: string): void {
  if (!isMember(reader, THREAD_TREE, threadId, messageId)) {
    throw new NotFoundError(`message of the thread ${threadId}`, messageId);
  }
}

/** The current leaf; one that points nowhere counts as none. */
export function threadLeaf(reader: Reader, threadId: string): string | null {
  const leaf = currentLeaf(reader, THREAD_TREE, threadId);
  return leaf !== null && isMember(reader, THREAD_TREE, threadId, leaf) ? leaf : null;
}

/** Adds a message below `parentId` and makes it the leaf. */
export function addThreadMessage(
  transaction: Transaction,
  threadId: string,
  parentId: string | null,
  message: { readonly role: string; readonly content: string; readonly item: unknown },
): ThreadMessage {
  const now = transaction.now();
  const id = newUlid(now);
  const { role, content, item } = message;
  transaction.insertPlain('thread_messages', [
    {
      id,
      device: transaction.device,
      thread_id: threadId,
      parent_id: parentId,
      role,
      created_at: now,
      ...storeBody(transaction, JSON.stringify({ content, item })),
    },
  ]);
  moveLeaf(transaction, THREAD_TREE, threadId, id);
  return {
    id,
    threadId,
    parentId,
    role,
    content,
    item,
    createdAt: formatTime(now),
    device: transaction.device,
  };
}

export interface BranchQuery {
  /** The end of the branch; by default the current leaf, or that of the cursor. */
  readonly leaf?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | null | undefined;
}

/** A window of a branch, oldest first; the cursor leads to what is before it. */
export function branchPage(
  reader: Reader,
  threadId: string,
  query: BranchQuery,
): Page<ThreadMessage> {
  const start = startOf(reader, threadId, query);
  if (start === null) return { items: [], nextCursor: null };
  const ids = branchIds(reader, THREAD_TREE, threadId, start.leaf, {
    limit: query.limit + 1,
    offset: start.offset,
  });
  const shown = ids.slice(0, query.limit);
  const rows = reader.list<MessageRow>(
    COLUMNS,
    'from thread_messages where id in (select value from json_each(?))',
    [JSON.stringify(shown)],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    items: shown.toReversed().map((id) => toMessage(reader, found(byId.get(id), 'message', id))),
    nextCursor:
      ids.length > shown.length ? encodeCursor(start.leaf, start.offset + shown.length) : null,
  };
}

/** Where a page begins: the end of a branch, and how many messages before it are passed over. */
function startOf(
  reader: Reader,
  threadId: string,
  { leaf, cursor }: BranchQuery,
): { leaf: string; offset: number } | null {
  if (cursor) {
    const start = decodeCursor(cursor);
    const isOf = isMember(reader, THREAD_TREE, threadId, start.leaf);
    if (!isOf || (leaf !== undefined && leaf !== start.leaf)) throw foreignCursor();
    return start;
  }
  const end = leaf ?? threadLeaf(reader, threadId);
  return end === null ? null : { leaf: end, offset: 0 };
}

/** Every branch by its last message, newest first. */
export function listLeaves(reader: Reader, threadId: string): ThreadLeaf[] {
  return listBranches(reader, THREAD_TREE, threadId).map(({ createdAt, ...branch }) => ({
    ...branch,
    updatedAt: formatTime(createdAt as number),
  }));
}

function toMessage(reader: Reader, row: MessageRow): ThreadMessage {
  const body: { content?: string; item?: unknown; item_json?: string | null } = Object.fromEntries(
    membersOf(loadBody(reader, row)),
  );
  return {
    id: row.id,
    threadId: row.thread_id,
    parentId: row.parent_id,
    role: row.role,
    content: body.content ?? '',
    item: body.item ?? columnJson(body.item_json ?? null),
    createdAt: formatTime(row.created_at),
    device: row.device,
  };
}

const cursorPartsSchema = z.tuple([z.string(), z.int().min(0)]);

function encodeCursor(leaf: string, offset: number): string {
  return Buffer.from(JSON.stringify([leaf, offset])).toString('base64url');
}

function decodeCursor(cursor: string): { leaf: string; offset: number } {
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8');
    const [leaf, offset] = cursorPartsSchema.parse(JSON.parse(text));
    return { leaf, offset };
  } catch (error) {
    throw new InvalidInputError('cursor: not one that messages returned', { cause: error });
  }
}
