import type * as z from 'zod';
import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Row, Transaction } from '../db/transaction.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { addDetails } from '../model/record-body.ts';
import { threads as table } from '../model/registers.ts';
import { isWork } from '../model/table-kinds.ts';
import type { Thread, threadUpsertSchema } from '../model/thread.ts';
import { withoutUndefined } from './fields.ts';
import { newUlid } from './new-id.ts';
import { found } from './page.ts';
import { findThread, readThread } from './thread-rows.ts';

type CheckedThread = z.output<typeof threadUpsertSchema>;

/** Makes the thread, or changes the fields that are given; brings a deleted one back. */
export function upsertThread(transaction: Transaction, thread: CheckedThread): Thread {
  const now = transaction.now();
  const id = thread.id ?? newUlid(now);
  const given = {
    ...withoutUndefined({
      title: thread.title,
      preview: thread.preview,
      model_provider: thread.modelProvider,
      cwd: thread.cwd,
      source: thread.source,
      created_at: thread.createdAt,
      updated_at: thread.updatedAt,
    }),
    deleted_at: null,
  };
  const old = transaction.first<BodyColumns & { purged_at: number | null }>(
    ['body', 'body_hash', 'purged_at'],
    'from threads where id = ?',
    [id],
  );
  if (old && old.purged_at !== null) throw new ConflictError(`the thread ${id} was purged`);
  if (old) {
    const body =
      thread.details &&
      storeBody(transaction, addDetails(loadBody(transaction, old), thread.details));
    const changed = transaction.update(table, id, { ...given, ...body });
    const isDated = thread.updatedAt !== undefined || changed.some((name) => isWork(table, name));
    const at = isDated ? {} : { updated_at: now };
    // The app server says so all the time: no word against that the thread was archived elsewhere.
    if (thread.status) transaction.carryOn(table, id, { status: thread.status, ...at });
  } else {
    if (thread.cwd === undefined) throw new InvalidInputError('thread cwd: a new thread needs it');
    transaction.insert(table, {
      id,
      ...newThread(now),
      ...given,
      ...withoutUndefined({ status: thread.status }),
      ...storeBody(transaction, JSON.stringify(thread.details ?? {})),
    });
  }
  return readThread(transaction, id);
}

function newThread(now: number): Row {
  return {
    title: null,
    preview: '',
    model_provider: 'unknown',
    source: 'unknown',
    status: 'idle',
    archived: 0,
    archived_at: null,
    created_at: now,
    tools: '[]',
  };
}

/** Hides a thread, or shows it again. @throws `ConflictError` it was purged */
export function setThreadDeleted(transaction: Transaction, id: string, deleted: boolean): Thread {
  const old = found(findThread(transaction, id), 'thread', id);
  const deletedAt = deleted ? (old.deleted_at ?? transaction.now()) : null;
  transaction.update(table, id, { deleted_at: deletedAt });
  return readThread(transaction, id);
}
