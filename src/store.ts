import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { buildAreas, HandleMemory, type Areas } from './areas/areas.ts';
import type { Runner } from './areas/runner.ts';
import type { Database } from './db/database.ts';
import { openDatabase } from './db/open.ts';
import type { Stamper } from './db/transaction.ts';
import { ClosedError } from './errors.ts';
import { validate } from './model/validate.ts';

/** Where messages for a person who looks after the program go. No content, no secrets. */
export interface Logger {
  debug?(message: string): void;
  warn?(message: string): void;
}

const optionsSchema = z.strictObject({
  path: z.string().min(1).optional(),
  readOnly: z.boolean().default(false),
  durability: z.enum(['full', 'normal']).default('full'),
  encryptionKey: z.string().min(1).optional(),
  clock: z.custom<() => number>((value) => typeof value === 'function').optional(),
  logger: z.custom<Logger>((value) => typeof value === 'object').optional(),
});

export interface StoreOptions {
  /** The store file; by default {@link defaultPath}. Made when it is not there. */
  path?: string;
  /** Refuses every write, and opens stores of newer versions too. */
  readOnly?: boolean;
  /** `full` (default): an acknowledged write survives power loss. `normal`: a crash of the process. */
  durability?: 'full' | 'normal';
  /** Encrypts the file at rest. The same key is needed to open it again. */
  encryptionKey?: string;
  /** Unix milliseconds; for tests. */
  clock?: () => number;
  logger?: Logger;
}

/** `$CODEWHALE_HOME/store/store.db`, by default below `~/.codewhale`. */
export function defaultPath(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['CODEWHALE_HOME']?.trim() ?? '';
  const expanded = home.startsWith('~') ? join(homedir(), home.slice(1)) : home;
  return join(expanded === '' ? join(homedir(), '.codewhale') : expanded, 'store', 'store.db');
}

/**
 * Opens a store, and makes it when it is not there.
 *
 * @throws `StorePathError` a folder, a symbolic link, or a place that cannot be used
 * @throws `DamagedStoreError` no store, damaged, or another encryption key; the file is untouched
 * @throws `NewerSchemaError` made by a newer version, and not opened read-only
 */
export async function openStore(options: StoreOptions = {}): Promise<Store> {
  const checked = validate(optionsSchema, options, 'options');
  const path = resolve(checked.path ?? defaultPath());
  const now = checked.clock ?? Date.now;
  const debug = checked.logger?.debug?.bind(checked.logger);
  const database = await openDatabase(
    path,
    {
      durability: checked.durability,
      encryptionKey: checked.encryptionKey,
      readOnly: checked.readOnly,
      onStatement: debug,
    },
    now,
  );
  return new Store(database, { now });
}

/** One open store. Every method is safe beside other processes that use the same file. */
export class Store implements Areas {
  readonly #database: Database;
  readonly #stamper: Stamper;
  readonly #memory = new HandleMemory();
  readonly sessions: Areas['sessions'];

  /** Use {@link openStore}. */
  constructor(database: Database, stamper: Stamper) {
    this.#database = database;
    this.#stamper = stamper;
    const areas = buildAreas(
      {
        read: (job) => database.read(job),
        write: (job) => database.write(stamper, job),
      },
      this.#memory,
    );
    this.sessions = areas.sessions;
  }

  /** The store file. */
  get path(): string {
    return this.#database.path;
  }

  /**
   * Runs several calls as one: all of them are on disk when it resolves, none when it rejects.
   * Other writers of every process wait meanwhile, so keep it to a few milliseconds.
   *
   * @param job - gets the areas of the store; using the store itself inside rejects
   */
  async transaction<T>(job: (tx: Areas) => T | Promise<T>): Promise<T> {
    return this.#database.write(this.#stamper, async (transaction) => {
      let open = true;
      const run = async <R>(call: (handle: typeof transaction) => R): Promise<R> => {
        // Not a promise chain: a call must have run when the next one starts.
        await Promise.resolve();
        if (!open) throw new ClosedError('the transaction has ended');
        return call(transaction);
      };
      const runner: Runner = { read: run, write: run };
      try {
        return await job(buildAreas(runner, this.#memory));
      } finally {
        open = false;
      }
    });
  }

  /** Waits for the writes under way and closes the file. */
  async close(): Promise<void> {
    await this.#database.close();
  }
}
