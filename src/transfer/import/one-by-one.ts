import { isSystemError } from '../../db/file-failure.ts';
import type { Transaction } from '../../db/transaction.ts';
import { ConflictError, DatabaseError, InvalidInputError, StoreError } from '../../errors.ts';

/** Whether what failed may be the fault of one record: not of the disk, of a lock, of the store. */
export function isOfOneRecord(error: unknown): error is Error {
  if (error instanceof StoreError) {
    return [DatabaseError, ConflictError, InvalidInputError].some((each) => error instanceof each);
  }
  return error instanceof Error && !isSystemError(error);
}

/**
 * Does a part of a transaction that may fail: then nothing of it stays, and the others may go on.
 *
 * @returns what the part gave, or its error where {@link isOfOneRecord} says so
 */
export function tryPart<T>(transaction: Transaction, part: () => T): T | Error {
  transaction.run('savepoint part');
  let result: T | Error;
  try {
    result = part();
  } catch (error) {
    if (!isOfOneRecord(error)) throw error;
    transaction.run('rollback to part');
    result = error;
  }
  transaction.run('release part');
  return result;
}
