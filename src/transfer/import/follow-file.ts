import { goAlong } from '../../areas/branch-ends.ts';
import { countBranch, currentLeaf, moveLeaf } from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import { isOfRecord } from '../../db/imported-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { conversationEnd, type SplitSession } from '../../model/legacy-session.ts';
import { sessions } from '../../model/registers.ts';
import { IMPORT_DEVICE, isImported } from '../../model/version.ts';

/** The conversation of a session as it was before a file of it came. */
export interface HeldConversation {
  readonly length: number;
  /** Where that of the file ended that the session is of. */
  readonly end: string;
  /** Whether something of the session was edited since that file. */
  readonly isEdited: boolean;
}

export function heldConversation(reader: Reader, id: string): HeldConversation | undefined {
  const row = reader.first<{ message_count: number; details_version: string } & BodyColumns>(
    ['message_count', 'details_version', 'body', 'body_hash'],
    'from sessions where id = ?',
    [id],
  );
  return (
    row && {
      length: row.message_count,
      end: conversationEnd(loadBody(reader, row)),
      isEdited: !isImported(row.details_version),
    }
  );
}

/**
 * Follows the conversation of a file where it moved, and counts anew. Only of the file that the
 * session in the store is of: another one is older, or of another home. Work done in this store since
 * an earlier import stays the current branch, unless the file goes on from it; that of other devices
 * does while it is newer.
 */
export function followFile(
  transaction: Transaction,
  id: string,
  file: SplitSession & { readonly body: Pick<Row, keyof BodyColumns> },
  held: HeldConversation | undefined,
): void {
  const { leaf, length, skeleton, body } = file;
  if (leaf === null) return;
  const current = currentLeaf(transaction, SESSION_TREE, id);
  const isPassed = current !== null && leadsThrough(file, current);
  if (current !== null) {
    if (conversationEnd(skeleton) === held?.end) return;
    if (!isImportedMessage(transaction, current)) {
      const at = goAlong(transaction, SESSION_TREE, id) as string;
      moved(transaction, id, countBranch(transaction, SESSION_TREE, id, at));
      return;
    }
  }
  const grew = held?.isEdited === true && isPassed;
  if (!grew && !isOfRecord(transaction, sessions, id, body)) return;
  moveLeaf(transaction, SESSION_TREE, id, leaf);
  moved(transaction, id, length);
}

function moved(transaction: Transaction, id: string, length: number): void {
  transaction.run('update sessions set message_count = ? where id = ?', [length, id]);
}

/** Whether the conversation of a file goes on from a message. */
function leadsThrough({ rows, leaf }: SplitSession, messageId: string): boolean {
  const parents = new Map(rows.map((row) => [row.id, row.parentId]));
  let at = leaf;
  while (at !== null && at !== messageId) at = parents.get(at) ?? null;
  return at !== null;
}

function isImportedMessage(reader: Reader, messageId: string): boolean {
  const sql = 'select count(*) from session_messages where id = ? and device = ?';
  return reader.number(sql, [messageId, IMPORT_DEVICE]) > 0;
}
