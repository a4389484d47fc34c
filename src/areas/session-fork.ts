import { storeBody } from '../db/bodies.ts';
import type { Transaction } from '../db/transaction.ts';
import { messageText } from '../model/message-text.ts';
import { sessions as table } from '../model/registers.ts';
import { messageId, type Session } from '../model/session.ts';
import { currentLeaf, moveLeaf } from './message-tree.ts';
import { newUlid } from './new-id.ts';
import { found } from './page.ts';
import {
  findSession,
  indexSession,
  insertMessage,
  memberOf,
  messageBody,
  readSession,
} from './session-records.ts';
import { SESSION_TREE, walkBranch } from './session-rows.ts';
import { recordedPlace, recordPlace } from './workspaces.ts';

/** Copies a session up to `fork.at` into a new one; the messages get ids of their own. */
export function forkSession(
  transaction: Transaction,
  id: string,
  fork: { readonly title?: string | undefined; readonly at?: string | undefined },
): Session {
  const origin = found(findSession(transaction, id), 'session', id);
  const source = readSession(transaction, id);
  const leaf = fork.at ?? currentLeaf(transaction, SESSION_TREE, id);
  if (leaf !== null) memberOf(transaction, id, leaf);
  const path = leaf === null ? [] : walkBranch(transaction, id, leaf, Number.MAX_SAFE_INTEGER);
  const now = transaction.now();
  const newId = newUlid(now);
  transaction.insert(table, {
    id: newId,
    title: fork.title ?? source.title,
    workspace: source.workspace,
    model: source.model,
    parent_id: id,
    created_at: now,
    archived_at: null,
    deleted_at: null,
    message_count: path.length,
    ...storeBody(transaction, JSON.stringify(forkDetails(source.details, path.length))),
  });
  // The path is now one of this device, even where it has no folder of its own for that workspace.
  const place = recordedPlace(transaction, origin.device, origin.workspace);
  recordPlace(transaction, transaction.device, source.workspace, place);
  let parent: string | null = null;
  for (const message of path.toReversed()) {
    const body = messageBody(transaction, message.id);
    const copyId = messageId(newId, parent, body);
    insertMessage(transaction, {
      id: copyId,
      sessionId: newId,
      parentId: parent,
      role: message.role,
      createdAt: message.created_at,
      body,
      searchText: messageText(JSON.parse(body)),
    });
    parent = copyId;
  }
  if (parent !== null) moveLeaf(transaction, SESSION_TREE, newId, parent);
  indexSession(transaction, newId);
  return readSession(transaction, newId);
}

function forkDetails(
  details: Record<string, unknown>,
  messageCount: number,
): Record<string, unknown> {
  const metadata = details['metadata'];
  const depth = (metadata as { spawn_depth?: number } | undefined)?.spawn_depth ?? 0;
  return {
    ...details,
    metadata: {
      ...(typeof metadata === 'object' ? metadata : {}),
      forked_from_message_count: messageCount,
      spawn_depth: depth + 1,
    },
  };
}
