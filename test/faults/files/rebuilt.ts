import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { expect, onTestFinished } from 'vitest';
import { openStore, rebuildStore, type RebuildResult } from '../../../src/index.ts';
import { TABLES } from '../../../src/model/registers.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { bytesOf } from './damage.ts';

export const newPath = () => join(tempFolder(), 'store.db');

/** Rebuilds a store, and expects that the damaged one is kept and the new one sound. */
export async function rebuilt(path: string, key: { encryptionKey?: string } = {}) {
  const before = bytesOf(path);
  const result = await rebuildStore(path, key);
  expect(bytesOf(result.kept)).toEqual(before);
  const left = readdirSync(dirname(path)).filter((name) => /salvaging|rebuilding/.test(name));
  expect(left).toEqual([]);
  const store = await openStore({ path, ...key });
  onTestFinished(() => store.close());
  expect((await store.check()).checks.filter(({ ok }) => !ok)).toEqual([]);
  return { store, result, of: (table: string) => tableOf(result, table) };
}

export function tableOf({ tables }: RebuildResult, name: string) {
  return tables.find(({ table }) => table === name);
}

/** Of this device and its files, or derived. */
const OWN = new Set(['device', 'import_sources', 'search_docs', 'sync_status', 'task_leases']);

/** What the new device stamps on the work that it goes on with. */
const STAMPED = new Set([
  'tasks.owner',
  'tasks.lifecycle_version',
  'runtime_turns.owner',
  'runtime_turns.lifecycle_version',
  'automations.owner',
  'automations.schedule_version',
  'triggers.device',
  'triggers.details_version',
]);

/** Every row of every table that a rebuilt store takes over, as text, by table. */
export function rowsOf(path: string): Record<string, string[]> {
  const driver = new Driver(path);
  const rows = TABLES.filter(({ name }) => !OWN.has(name)).map(({ name }) => {
    const columns = driver.prepare(`select name from pragma_table_info(?)`).raw().all(name);
    const list = (columns as [string][])
      .filter(([column]) => !STAMPED.has(`${name}.${column}`))
      .map(([column]) => `quote(${column})`)
      .join(` || ',' || `);
    const found = driver.prepare(`select ${list} from ${name}`).raw().all() as [string][];
    return [name, found.map(([row]) => row).sort()] as const;
  });
  driver.close();
  return Object.fromEntries(rows.filter(([, found]) => found.length > 0));
}

const without = (a: Set<string>, b: Set<string>) => [...a].filter((row) => !b.has(row)).length;

/** The tables that differ, and in how many rows, which stay out of the message. */
export function differences(a: Record<string, string[]>, b: Record<string, string[]>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((table) => {
    const [old, now] = [new Set(a[table]), new Set(b[table])];
    const [gone, added] = [without(old, now), without(now, old)];
    return gone + added === 0 ? [] : [`${table}: ${gone} gone, ${added} more`];
  });
}
