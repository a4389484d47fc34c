import { Connection, type ConnectionOptions } from './connection.ts';
import { WAL_BYTES_MAX } from './log-bound.ts';
import { noteUnsynced } from './unsynced.ts';

export interface DatabaseOptions {
  /** `full`: an acknowledged write survives power loss; `normal`: it survives a crash of the process. */
  readonly durability: 'full' | 'normal';
  readonly encryptionKey?: string | undefined;
  readonly readOnly: boolean;
  /** The file lies where nobody can write, and has no log. */
  readonly withoutLog?: boolean;
  /**
   * For long jobs that can be begun anew, such as an import: a commit does not wait for the disk,
   * {@link Database.settle} at the end does. What a power cut takes away is the end of the job.
   */
  readonly bulk?: boolean;
  readonly onStatement?: ((sql: string) => void) | undefined;
}

/** Short: while the driver waits, the whole process stands still. */
const BUSY_WAIT_MS = 5;
/** SQLite's own default. */
const CHECKPOINT_PAGES = 1000;
/** Pages of log between checkpoints of a bulk job, 64 MiB: each page is then copied less often. */
const BULK_CHECKPOINT_PAGES = 16_384;

/** What a commit waits for on this connection. */
export function synchronousOf({ bulk, durability }: DatabaseOptions): 'full' | 'normal' {
  return bulk ? 'normal' : durability;
}

/** A connection to the store file with its settings made. */
export function openConnection(path: string, database: DatabaseOptions): Connection {
  const { encryptionKey, readOnly, withoutLog, bulk, onStatement } = database;
  const options: ConnectionOptions = {
    busyWaitMs: BUSY_WAIT_MS,
    encryptionKey,
    readOnly,
    ...(withoutLog ? { withoutLog } : {}),
    onStatement,
  };
  const synchronous = synchronousOf(database);
  const connection = new Connection(path, options);
  try {
    if (!readOnly) connection.exec('pragma journal_mode = wal');
    if (!readOnly && synchronous === 'normal') noteUnsynced(path);
    connection.exec(
      `pragma synchronous = ${synchronous};
       pragma wal_autocheckpoint = ${bulk ? BULK_CHECKPOINT_PAGES : CHECKPOINT_PAGES};
       pragma foreign_keys = on;
       pragma temp_store = memory;
       pragma cache_size = -16000;
       pragma journal_size_limit = ${WAL_BYTES_MAX};`,
    );
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}
