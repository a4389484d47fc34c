import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { LegacyStateDb } from '../../src/db/legacy-state-db.ts';
import { tempFolder } from './temp-store.ts';

type Message = readonly [id: bigint, content: string, parent: bigint | null];

/** A home with a state.db of one thread `t1`, and what `more` makes of it. */
export function stateHome(
  { updatedAt, leaf, messages }: { updatedAt: number; leaf: bigint; messages: readonly Message[] },
  more = '',
): string {
  const file = join(tempFolder(), 'home', 'state.db');
  mkdirSync(dirname(file));
  writeFileSync(file, '');
  const db = new LegacyStateDb(file);
  db.finish();
  db.close();
  const driver = new Driver(file);
  driver
    .prepare(
      `insert into threads (id, preview, ephemeral, model_provider, created_at, updated_at, status,
         cwd, cli_version, source, archived, current_leaf_id)
       values ('t1', 'p', 0, 'm', 1, ?, 'idle', '/w', 'v', 'api', 0, ?)`,
    )
    .run(updatedAt, leaf);
  const insert = driver.prepare(
    `insert into messages (id, thread_id, role, content, created_at, parent_entry_id)
     values (?, 't1', 'user', ?, 5, ?)`,
  );
  for (const message of messages) insert.run(...message);
  if (more !== '') driver.exec(more);
  driver.close();
  return dirname(file);
}

/** The rows of a table of the state.db of a home, integers exact, and its columns. */
export function stateRows(home: string, table: string): Record<string, unknown>[] {
  const driver = new Driver(join(home, 'state.db'), { readonly: true });
  try {
    return driver.prepare(`select * from ${table}`).safeIntegers().all() as Record<
      string,
      unknown
    >[];
  } finally {
    driver.close();
  }
}
