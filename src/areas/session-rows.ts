import { documentOf, loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Document, Reader } from '../db/reader.ts';
import { objectMembers, parseJson } from '../model/json-text.ts';
import type { SessionMessage, SessionSummary } from '../model/session.ts';
import { formatTime } from '../model/time.ts';
import { clockOf, deviceOf, IMPORT_DEVICE } from '../model/version.ts';
import { newestEnd, type BranchEnd } from './branch-ends.ts';
import { branchIds, currentLeaf, isOnBranch, type MessageTree } from './message-tree.ts';
import { foreignCursor, found } from './page.ts';

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

/** @param newer - its newest branch, where this device is not at its end */
export function toSession(row: SessionRow, newer: BranchEnd | undefined): SessionSummary {
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
    ...(newer && {
      newerBranch: {
        leaf: newer.leaf,
        messageCount: newer.messageCount,
        updatedAt: formatTime(newer.createdAt),
      },
    }),
  };
}

export const MESSAGE_COLUMNS = [
  'id',
  'session_id',
  'parent_id',
  'role',
  'created_at',
  'device',
] as const;

export interface MessageRow extends Document {
  readonly id: string;
  readonly session_id: string;
  readonly parent_id: string | null;
  readonly role: string;
  readonly created_at: number | null;
  readonly device: string;
}

export function toMessage(reader: Reader, row: MessageRow): SessionMessage {
  return {
    id: row.id,
    sessionId: row.session_id,
    parentId: row.parent_id,
    role: row.role,
    createdAt: formatTime(row.created_at),
    content: contentOf(documentOf(reader, row)),
    device: row.device,
  };
}

export function contentOf(body: unknown): unknown {
  return (body as { content?: unknown } | null)?.content ?? null;
}

export const SESSION_TREE: MessageTree = {
  messages: 'session_messages',
  leaves: 'session_leaves',
  owner: 'session_id',
  namedEnd,
  standIn: (reader, sessionId) => newestEnd(reader, SESSION_TREE, sessionId),
};

/** The last message of the list in the session's file, which is as new as that file. */
function namedEnd(reader: Reader, sessionId: string): { id: string; at: number } | undefined {
  const row = reader.first<{ details_version: string } & BodyColumns>(
    ['details_version', 'body', 'body_hash'],
    'from sessions where id = ?',
    [sessionId],
  );
  const body = row && loadBody(reader, row);
  if (!body?.startsWith('{')) return undefined;
  const list = objectMembers(body).find(({ key }) => key === 'messages');
  const id = parseJson(list?.value ?? 'null');
  if (typeof id !== 'string') return undefined;
  const { details_version: version } = row as { details_version: string };
  // An edit of the details tells no time of the messages.
  return { id, at: deviceOf(version) === IMPORT_DEVICE ? clockOf(version).ms : 0 };
}

/** The message that a page of a branch ends with; null where this device is on none. */
export function startOf(
  reader: Reader,
  sessionId: string,
  {
    leaf,
    cursor,
  }: { readonly leaf?: string | undefined; readonly cursor?: string | null | undefined },
): string | null {
  if (!cursor) return leaf ?? currentLeaf(reader, SESSION_TREE, sessionId);
  const place = { leaf: leaf ?? cursor, messageId: cursor };
  if (!isOnBranch(reader, SESSION_TREE, sessionId, place)) throw foreignCursor();
  return cursor;
}

/** The messages that lead to `leaf`, newest first, at most `limit`. */
export function walkBranch(
  reader: Reader,
  sessionId: string,
  leaf: string,
  limit: number,
): MessageRow[] {
  const ids = branchIds(reader, SESSION_TREE, sessionId, leaf, { limit, offset: 0 });
  const rows = reader.documents<MessageRow>(
    MESSAGE_COLUMNS,
    'from session_messages where id in (select value from json_each(?))',
    [JSON.stringify(ids)],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found(byId.get(id), 'message', id));
}
