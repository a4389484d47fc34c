import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/open.ts';
import { openStore, type Store } from '../../src/index.ts';
import { homeAt } from '../../src/legacy/resolve-homes.ts';
import { exportStore, type ExportOptions } from '../../src/transfer/export/export-store.ts';
import type { ExportReport } from '../../src/transfer/export/export-report.ts';
import { importHomes } from '../../src/transfer/import/import-homes.ts';
import type { ImportReport } from '../../src/transfer/import/report.ts';

export const NOW = Date.parse('2026-08-20T13:00:00Z');
const now = () => NOW;

async function withDatabase<T>(path: string, job: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(path, { durability: 'normal', readOnly: false }, now);
  try {
    return await job(database);
  } finally {
    await database.close();
  }
}

/** Imports homes into a store file and closes it. */
export async function importInto(path: string, ...homes: string[]): Promise<ImportReport> {
  return importWith(path, {}, ...homes);
}

export async function importWith(
  path: string,
  options: Parameters<typeof importHomes>[3],
  ...homes: string[]
): Promise<ImportReport> {
  return withDatabase(path, (database) =>
    importHomes(
      database,
      { now },
      homes.map((home) => homeAt(home)),
      options,
    ),
  );
}

/** Exports a store file that nobody has open. */
export async function exportFrom(
  path: string,
  dir: string,
  options: Partial<ExportOptions> = {},
): Promise<ExportReport> {
  return withDatabase(path, (database) =>
    exportStore(database, dir, { format: 'legacy', ...options }),
  );
}

/** Opens a store file, lets `job` work in it, and closes it. Each call is a minute later. */
export async function workIn<T>(path: string, job: (store: Store) => Promise<T>): Promise<T> {
  let at = NOW;
  const store = await openStore({ path, durability: 'normal', clock: () => (at += 60_000) });
  onTestFinished(() => store.close());
  const result = await job(store);
  await store.close();
  return result;
}

export interface FoundFile {
  readonly path: string;
  readonly mode: number;
  readonly hash: string;
}

/** Every file below a folder, with its mode and a hash of its bytes. */
export function filesBelow(root: string): FoundFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({
      path: file.slice(root.length + 1),
      mode: lstatSync(file).mode & 0o777,
      hash: createHash('sha256').update(readFileSync(file)).digest('hex'),
    }));
}

export function readRecord(dir: string, path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(dir, path), 'utf8')) as Record<string, unknown>;
}

export function readLines(dir: string, path: string): Record<string, unknown>[] {
  return readFileSync(join(dir, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
