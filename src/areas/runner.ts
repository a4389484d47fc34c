import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';

/**
 * How an area reaches the database: on its own (each call its own transaction), or inside a
 * transaction that the caller opened.
 */
export interface Runner {
  read<T>(job: (reader: Reader) => T): Promise<T>;
  write<T>(job: (transaction: Transaction) => T): Promise<T>;
}
