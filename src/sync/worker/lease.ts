import { randomBytes } from 'node:crypto';
import type { Reader } from '../../db/reader.ts';
import type { Access } from '../connect.ts';
import { needStatusRow } from './status-row.ts';

/** How long a lease holds without being renewed: a killed leader is missed no longer. */
export const LEASE_MS = 15_000;
export const RENEW_MS = 5_000;

/** What one worker among all those of a store file leads by. */
export class Lease {
  readonly #access: Access;
  /** The process, and which of its workers. */
  readonly holder = `${process.pid}/${randomBytes(4).toString('hex')}`;

  constructor(access: Access) {
    this.#access = access;
  }

  /**
   * Takes the lease or renews it.
   *
   * A lease that ends later than one can be taken for was written before the clock was set back: it
   * is cut to its longest, so that a holder who lives renews it and one who does not is not waited
   * for until the clock is there again.
   *
   * @returns whether this worker leads
   */
  async take(): Promise<boolean> {
    const { database, now } = this.#access;
    // A look first: those who stand by write nothing.
    const held = await database.read((reader) => this.#heldByOther(reader));
    if (held === 'held') return false;
    return database.write({ now }, (transaction) => {
      needStatusRow(transaction);
      const state = this.#heldByOther(transaction);
      if (state === 'held') return false;
      const until = now() + LEASE_MS;
      if (state === 'beyond') {
        transaction.run('update sync_status set lease_until = ?', [until]);
        return false;
      }
      transaction.run('update sync_status set leader = ?, lease_until = ?', [this.holder, until]);
      return true;
    });
  }

  /** Lets the next one lead at once. */
  async release(): Promise<void> {
    const { database, now } = this.#access;
    await database.write({ now }, (transaction) => {
      transaction.run('update sync_status set leader = null, lease_until = 0 where leader = ?', [
        this.holder,
      ]);
    });
  }

  #heldByOther(reader: Reader): 'free' | 'held' | 'beyond' {
    const [row] = reader.rows('select leader, lease_until from sync_status');
    if (!row || row[0] === null || row[0] === this.holder) return 'free';
    const left = Number(row[1]) - this.#access.now();
    if (left > LEASE_MS) return 'beyond';
    return left > 0 ? 'held' : 'free';
  }
}
