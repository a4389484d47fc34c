import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { builtLibrary } from '../support/built-library.ts';
import { debianTool } from '../support/debian-tool.ts';
import { startSqld } from '../support/sqld.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const run = promisify(execFile);

/** The system calls that open sockets while a program of test/sync runs. */
async function sockets(program: string, ...given: string[]): Promise<string> {
  const trace = join(tempFolder(), 'trace');
  const strace = await debianTool('strace');
  const child = [process.execPath, program, await builtLibrary(), ...given];
  const { stdout } = await run(strace, ['-f', '-e', 'trace=socket,connect', '-o', trace, ...child]);
  expect(stdout).toBe('done\n');
  const calls = readFileSync(trace, 'utf8');
  // The trace holds the end of the program, so nothing of it was missed.
  expect(calls).toContain('exited with 0');
  return calls;
}

describe('a store whose sync is off', () => {
  it('opens no socket, and queues nothing', async () => {
    const path = join(tempFolder(), 'store.db');
    const calls = await sockets('test/sync/local-writes.mjs', path);
    expect(calls).not.toMatch(/\b(socket|connect)\(/);
    const driver = new Driver(path);
    const count = (table: string) =>
      (driver.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n;
    for (const table of ['outbox', 'sync_state', 'sync_status', 'sync_scans', 'parked']) {
      expect(count(table), table).toBe(0);
    }
    expect(count('sessions')).toBe(1);
  });

  it('would be seen in the trace if it did', async () => {
    const sqld = await startSqld();
    const path = join(tempFolder(), 'store.db');
    const store = await openStore({ path });
    await store.sync.enable(sqld.url);
    await store.close();
    expect(await sockets('test/sync/exchange-once.mjs', path)).toMatch(/AF_INET/);
  });

  it('writes with the statements that it wrote with before there was sync', async () => {
    const statements: string[] = [];
    const logger = { debug: (sql: string) => void statements.push(sql) };
    const store = await tempStore({ logger });
    const { id } = await store.sessions.create({ title: 'one', workspace: '/w' });
    statements.length = 0;
    await store.sessions.rename(id, 'two');
    const task = await store.tasks.create({ prompt: 'x' });
    await store.tasks.cancel(task.id);
    expect(statements.length).toBeGreaterThan(10);
    expect(statements.filter((sql) => /outbox|sync_|parked|conflicts|clashes/.test(sql))).toEqual(
      [],
    );
  });
});
