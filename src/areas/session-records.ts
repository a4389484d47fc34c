import { loadBody, storeBody, storeJson, type BodyColumns } from '../db/bodies.ts';
import type { Value } from '../db/connection.ts';
import type { Reader } from '../db/reader.ts';
import { indexDoc } from '../db/search-index.ts';
import type { Transaction } from '../db/transaction.ts';
import { NotFoundError } from '../errors.ts';
import { mergeDocument } from '../model/record-body.ts';
import type { Session } from '../model/session.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import { placeOf, type Repository } from '../model/workspace.ts';
import type { PreparedMessage } from './large-messages.ts';
import { newerBranch } from './branch-ends.ts';
import { found } from './page.ts';
import { isMember } from './message-tree.ts';
import { refusePurged } from './purged.ts';
import { SESSION_COLUMNS, SESSION_TREE, toSession, type SessionRow } from './session-rows.ts';
import { recordPlace, withPathsHere } from './workspaces.ts';

export interface NewMessage extends Pick<PreparedMessage, 'role' | 'body' | 'searchText'> {
  readonly id: string;
  readonly sessionId: string;
  readonly parentId: string | null;
  readonly createdAt: number | null;
  /** Of a body that is among the blobs already. */
  readonly hash?: string | undefined;
}

export function insertMessage(transaction: Transaction, message: NewMessage): void {
  transaction.insertPlain('session_messages', [
    {
      id: message.id,
      device: transaction.device,
      session_id: message.sessionId,
      parent_id: message.parentId,
      role: message.role,
      created_at: message.createdAt,
      ...storeJson(transaction, message.body, message.hash),
    },
  ]);
  const doc = {
    kind: 'message',
    refId: message.id,
    ownerId: message.sessionId,
    at: message.createdAt ?? transaction.now(),
  } as const;
  indexDoc(transaction, doc, message.searchText);
}

export function findSession(reader: Reader, id: string): SessionRow | undefined {
  return reader.first<SessionRow>(SESSION_COLUMNS, 'from sessions where id = ?', [id]);
}

export function readSession(reader: Reader, id: string): Session {
  refusePurged(reader, 'sessions', id);
  const row = reader.first<SessionRow & BodyColumns>(
    [...SESSION_COLUMNS, 'body', 'body_hash'],
    'from sessions where id = ?',
    [id],
  );
  const session = found(row, 'session', id);
  const [shown = session] = withPathsHere(reader, [session]);
  const newer = newerBranch(reader, SESSION_TREE, id);
  return { ...toSession(shown, newer), details: sessionDetails(loadBody(reader, session)) };
}

/**
 * The columns of a session that goes to another workspace, given as a path of this device. The one
 * that it has, as this device shows it, is no change. The path is then one of the device that the
 * session is of, and known to lie where it lies here.
 */
export function moveSession(
  transaction: Transaction,
  session: SessionRow,
  workspace: string,
  repository: Repository | undefined,
): Partial<Pick<SessionRow, 'workspace'>> {
  if (withPathsHere(transaction, [session])[0]?.workspace === workspace) return {};
  const { device } = transaction;
  const owner = session.device === IMPORT_DEVICE ? device : session.device;
  const place = repository && placeOf(workspace, repository, device);
  recordPlace(transaction, owner, workspace, place);
  return { workspace };
}

/** Members of a session's body that say where its messages stand; see `SplitSession`. */
const SKELETON = new Set(['messages', 'journal']);

/** Puts new details in the place of the old ones; the imported skeleton stays. */
export function storeDetails(
  transaction: Transaction,
  id: string,
  details: Readonly<Record<string, unknown>>,
): Record<keyof BodyColumns, Value> {
  const row = transaction.first<BodyColumns>(['body', 'body_hash'], 'from sessions where id = ?', [
    id,
  ]);
  const body = loadBody(transaction, found(row, 'session', id));
  return storeBody(transaction, mergeDocument(body, details, SKELETON));
}

/** What a session file holds besides its messages and what has a column of its own. */
export function sessionDetails(body: string): Record<string, unknown> {
  const {
    messages: _messages,
    journal: _journal,
    ...details
  } = JSON.parse(body) as Record<string, unknown>;
  return details;
}

/** The exact text of a message. */
export function messageBody(reader: Reader, id: string): string {
  const row = reader.first<BodyColumns>(
    ['body', 'body_hash'],
    'from session_messages where id = ?',
    [id],
  );
  return loadBody(reader, found(row, 'message', id));
}

/** @throws `NotFoundError` the message is not one of the session */
export function memberOf(reader: Reader, sessionId: string, messageId: string): void {
  if (!isMember(reader, SESSION_TREE, sessionId, messageId)) {
    throw new NotFoundError(`message of the session ${sessionId}`, messageId);
  }
}

/** Puts the session into the search index as it stands; search itself leaves deleted ones out. */
export function indexSession(transaction: Transaction, id: string): void {
  const row = found(findSession(transaction, id), 'session', id);
  indexDoc(transaction, { kind: 'session', refId: id, ownerId: id, at: row.updated_at }, row.title);
}
