import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { builtLibrary } from '../support/built-library.ts';
import { SEED } from '../support/seed.ts';
import { tempFolder } from '../support/temp-store.ts';

const WRITER = fileURLToPath(new URL('contention-writer.mjs', import.meta.url));
const WRITERS = ['a', 'b', 'c', 'd'];
const SECONDS = Number(process.env['CONTENTION_SECONDS'] ?? 12);

/** Numerical Recipes' generator: a failing seed can be run again. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it(
  'four processes that are killed at random lose nothing that they acknowledged',
  async () => {
    console.log(`contention: SEED=${SEED}`);
    const next = random(SEED);
    const library = await builtLibrary();
    const path = join(tempFolder(), 'store.db');
    const setup = await openStore({ path });
    const thread = await setup.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
    await setup.close();

    const acked: string[] = [];
    const errors: string[] = [];
    const perWriter = new Map(WRITERS.map((name) => [name, 0]));
    let kills = 0;
    const until = Date.now() + SECONDS * 1000;

    const run = async (name: string) => {
      while (Date.now() < until) {
        const child = spawn(process.execPath, [WRITER, library, path, name, thread.id]);
        const exited = once(child, 'exit');
        child.stderr.on('data', (data: Buffer) => errors.push(data.toString()));
        // From then on: a busy machine may take longer than its life to start it.
        const writes = new Promise<void>((resolve) => {
          child.stdout.once('data', () => {
            resolve();
          });
        });
        const lines: string[] = [];
        createInterface({ input: child.stdout }).on('line', (line) => {
          lines.push(line);
          if (!line.startsWith('ACK ')) return;
          acked.push(line.slice(4));
          perWriter.set(name, (perWriter.get(name) ?? 0) + 1);
        });
        const lifetime = 300 + next() * 2500;
        const lived = writes.then(() => new Promise((resolve) => setTimeout(resolve, lifetime)));
        await Promise.race([lived, exited]);
        expect(child.exitCode, errors.join('')).toBeNull();
        child.kill('SIGKILL');
        await exited;
        if (lines.includes('READY')) kills++;
      }
    };
    await Promise.all(WRITERS.map(run));

    const driver = new Driver(path);
    const column = (sql: string) => (driver.prepare(sql).raw().all() as string[][]).map(([x]) => x);
    const events = column(`select json_extract(body, '$.tag') from runtime_events`);
    const tasks = column('select prompt from tasks');
    const audits = column(`select json_extract(body, '$.tag') from audit_log`);
    const written = new Set([...events, ...tasks]);
    expect(acked.filter((tag) => !written.has(tag))).toEqual([]);
    expect([...tasks].sort()).toEqual([...audits].sort());
    expect(new Set([...events, ...tasks]).size).toBe(events.length + tasks.length);
    // Each process may have written one more than it could say.
    expect(written.size).toBeLessThanOrEqual(acked.length + kills);
    const seqs = (
      driver.prepare('select seq from runtime_events order by seq').raw().all() as number[][]
    ).flat();
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    expect(driver.prepare('pragma integrity_check').raw().get()).toEqual(['ok']);
    // The fault happened, and nobody was starved.
    expect(kills).toBeGreaterThan(WRITERS.length);
    for (const [name, count] of perWriter) expect(count, name).toBeGreaterThan(20);
    console.log(
      `${acked.length} writes acknowledged, ${kills} kills`,
      Object.fromEntries(perWriter),
    );
  },
  (SECONDS + 60) * 1000,
);
