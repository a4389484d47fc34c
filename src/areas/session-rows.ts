import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import type { SessionMessage, SessionSummary } from '../model/session.ts';
import { formatTime } from '../model/time.ts';

export const SESSION_COLUMNS = [
  'id',
  'title',
  'workspace',
  'model',
  'created_at',
  'updated_at',
  'archived_at',
  'deleted_at',
  'message_count',
  'parent_id',
  'device',
] as const;

export interface SessionRow {
  readonly id: string;
  readonly title: string;
  readonly workspace: string;
  readonly model: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly archived_at: number | null;
  readonly deleted_at: number | null;
  readonly message_count: number;
  readonly parent_id: string | null;
  readonly device: string;
}

export function toSession(row: SessionRow): SessionSummary {
  return {
    id: row.id,
    title: row.title,
    workspace: row.workspace,
    model: row.model,
    createdAt: formatTime(row.created_at),
    updatedAt: formatTime(row.updated_at),
    archivedAt: formatTime(row.archived_at),
    deletedAt: formatTime(row.deleted_at),
    messageCount: row.message_count,
    parentId: row.parent_id,
    device: row.device,
  };
}

export const MESSAGE_COLUMNS = [
  'id',
  'session_id',
  'parent_id',
  'role',
  'created_at',
  'device',
  'body',
  'body_hash',
] as const;

export interface MessageRow extends BodyColumns {
  readonly id: string;
  readonly session_id: string;
  readonly parent_id: string | null;
  readonly role: string;
  readonly created_at: number | null;
  readonly device: string;
}

export function toMessage(reader: Reader, row: MessageRow): SessionMessage {
  const message = JSON.parse(loadBody(reader, row)) as { content?: unknown } | null;
  return {
    id: row.id,
    sessionId: row.session_id,
    parentId: row.parent_id,
    role: row.role,
    createdAt: formatTime(row.created_at),
    content: message?.content ?? null,
    device: row.device,
  };
}

/** The end of the branch that this device is on, or null for an empty session. */
export function currentLeaf(reader: Reader, sessionId: string): string | null {
  const row = reader.rows('select leaf_id from session_leaves where session_id = ?', [
    sessionId,
  ])[0];
  return row === undefined ? null : (row[0] as string);
}

export function setLeaf(transaction: Transaction, sessionId: string, leaf: string): void {
  transaction.run(
    `insert into session_leaves (session_id, leaf_id) values (?, ?)
     on conflict (session_id) do update set leaf_id = excluded.leaf_id`,
    [sessionId, leaf],
  );
}

/** How many messages lead from the root to `leaf`. */
export function branchLength(reader: Reader, leaf: string | null): number {
  if (leaf === null) return 0;
  return reader.number(
    `with recursive branch (id, parent_id) as (
       select id, parent_id from session_messages where id = ?
       union select m.id, m.parent_id from branch b join session_messages m on m.id = b.parent_id
     ) select count(*) from branch`,
    [leaf],
  );
}

/** The messages that lead to `leaf`, newest first, at most `limit`. */
export function walkBranch(reader: Reader, leaf: string, limit: number): MessageRow[] {
  const columns = MESSAGE_COLUMNS.map((name) => `m.${name}`);
  return reader.list<MessageRow>(
    columns,
    `from (with recursive branch (id, parent_id, depth) as (
       select id, parent_id, 1 from session_messages where id = ?
       union select m.id, m.parent_id, b.depth + 1
       from branch b join session_messages m on m.id = b.parent_id where b.depth < ?
     ) select id, depth from branch) b
     join session_messages m on m.id = b.id order by b.depth`,
    [leaf, limit],
  );
}
