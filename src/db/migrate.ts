import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DamagedStoreError, FileSystemError, NewerSchemaError } from '../errors.ts';
import type { Connection } from './connection.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** Nothing that is there changes: the file need not be copied before. */
  readonly addsOnly: boolean;
  /** SHA-256 over the text with line ends normalised to LF. */
  readonly checksum: string;
}

const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/;
/** Beside src in the repository, beside dist in the package. */
const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url));

let known: readonly Migration[] | undefined;

/**
 * The migrations of this version, in order; read once.
 *
 * @throws Error when a number is missing or doubled
 */
export function readMigrations(): readonly Migration[] {
  return (known ??= migrationsIn(FOLDER));
}

/** @throws `FileSystemError` the folder is not there: somebody took the code out of its package */
export function migrationsIn(folder: string): Migration[] {
  const migrations = namesIn(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((file) => {
      const match = FILE.exec(file);
      if (!match) throw new Error(`${file} is not named NNNN_verb_noun.sql`);
      const sql = readFileSync(`${folder}/${file}`, 'utf8').replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      const addsOnly = sql.startsWith('-- Adds only');
      return { number: Number(match[1]), name: match[2] as string, sql, addsOnly, checksum };
    });
  migrations.forEach((migration, i) => {
    if (migration.number !== i + 1) throw new Error(`migration ${i + 1} is missing`);
  });
  return migrations;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const message = `${folder}, the migrations of codewhale-store, cannot be read: a bundler has to leave the package out (external)`;
    throw new FileSystemError(message, error);
  }
}

export function schemaVersion(connection: Connection): number {
  return Number(connection.row('pragma user_version')?.[0] ?? 0);
}

/** @throws `NewerSchemaError` when the store was made by a newer version of this library */
export function refuseNewer(connection: Connection, migrations: readonly Migration[]): void {
  const version = schemaVersion(connection);
  if (version > migrations.length) throw new NewerSchemaError(version, migrations.length);
}

/**
 * Applies what is missing. Must run inside a `begin immediate`: two processes that open at the same
 * moment then migrate once, the second one finds nothing to do.
 *
 * @throws `DamagedStoreError` when a migration that was applied has changed since
 */
export function migrate(
  connection: Connection,
  migrations: readonly Migration[],
  now: number,
): void {
  refuseNewer(connection, migrations);
  const version = schemaVersion(connection);
  if (version === 0) {
    connection.exec(`create table migrations (
      number     integer primary key,
      name       text    not null,
      checksum   text    not null,
      applied_at integer not null
    ) strict`);
  }
  for (const [number, checksum] of connection.rows('select number, checksum from migrations')) {
    const known = migrations[Number(number) - 1];
    if (known && known.checksum !== checksum) {
      throw new DamagedStoreError(
        `migration ${known.number} of this store is not the one of this version; it was made by a build that was never released`,
      );
    }
  }
  for (const migration of migrations.slice(version)) {
    connection.exec(migration.sql);
    connection.run(
      'insert into migrations (number, name, checksum, applied_at) values (?, ?, ?, ?)',
      [migration.number, migration.name, migration.checksum, now],
    );
    connection.exec(`pragma user_version = ${migration.number}`);
  }
}
