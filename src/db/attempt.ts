import type { Transaction } from './transaction.ts';

/**
 * Runs `job` whole or not at all within a transaction: where it throws, what it wrote is taken back,
 * and the transaction goes on from where it was. `job` must not wait for anything.
 */
export function attempt<T>(transaction: Transaction, job: (transaction: Transaction) => T): T {
  transaction.run('savepoint attempt');
  try {
    const result = job(transaction);
    transaction.run('release attempt');
    return result;
  } catch (error) {
    transaction.run('rollback to attempt');
    transaction.run('release attempt');
    transaction.forgetIdentity();
    throw error;
  }
}
