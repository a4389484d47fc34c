import { goAlong } from '../../areas/branch-ends.ts';
import {
  countBranch,
  currentLeaf,
  followsBranch,
  moveLeaf,
  notedLeaf,
} from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import { isOfRecord } from '../../db/imported-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { conversationEnd, type SplitSession } from '../../model/legacy-session.ts';
import { sessions } from '../../model/registers.ts';
import { IMPORT_DEVICE, isImported, isNobodys } from '../../model/version.ts';

/** The conversation of a session as it was before a file of it came. */
export interface HeldConversation {
  readonly length: number;
  /** Where that of the file ended that the session is of; undefined: what told it is lost. */
  readonly end: string | undefined;
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
      end: isNobodys(row.details_version) ? undefined : conversationEnd(loadBody(reader, row)),
      isEdited: !isImported(row.details_version),
    }
  );
}

/**
 * Follows the conversation of a file where it moved, and counts anew. Only of the file that the
 * session in the store is of: another one is older, or of another home. Work done in this store since
 * an earlier import stays the current branch, unless the file goes on from it; that of other devices
 * does while it is newer.
 *
 * @param added - messages of it came in
 */
export function followFile(
  transaction: Transaction,
  id: string,
  file: SplitSession & { readonly body: Pick<Row, keyof BodyColumns> },
  held: HeldConversation | undefined,
  added: boolean,
): void {
  const before = currentLeaf(transaction, SESSION_TREE, id);
  follow(transaction, id, file, held, added);
  const leaf = currentLeaf(transaction, SESSION_TREE, id);
  if (leaf === null || (leaf === before && held && !added)) return;
  const length =
    leaf === file.leaf ? file.length : countBranch(transaction, SESSION_TREE, id, leaf);
  transaction.run('update sessions set message_count = ? where id = ?', [length, id]);
}

function follow(
  transaction: Transaction,
  id: string,
  file: SplitSession & { readonly body: Pick<Row, keyof BodyColumns> },
  held: HeldConversation | undefined,
  added: boolean,
): void {
  const { leaf, skeleton, body } = file;
  if (leaf === null) return;
  const current = currentLeaf(transaction, SESSION_TREE, id);
  const isPassed = current !== null && leadsThrough(file, current);
  const follows = followsBranch(transaction, SESSION_TREE, id);
  if (current !== null) {
    const isTold = held ? held.end !== undefined : follows;
    if (!isTold || conversationEnd(skeleton) === held?.end) {
      // Where a loss had made this the end of the branch, what followed it is here again.
      const isThere = current === notedLeaf(transaction, SESSION_TREE, id);
      if (added && isPassed && isThere && follows) moveLeaf(transaction, SESSION_TREE, id, leaf);
      return;
    }
    if (!isImportedMessage(transaction, current)) {
      goAlong(transaction, SESSION_TREE, id);
      return;
    }
  }
  const grew = held?.isEdited === true && isPassed;
  if (grew || isOfRecord(transaction, sessions, id, body)) {
    moveLeaf(transaction, SESSION_TREE, id, leaf);
  }
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
