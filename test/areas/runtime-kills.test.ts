import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/index.ts';
import { Connection } from '../../src/db/connection.ts';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';

const WRITER = fileURLToPath(new URL('../support/turn-writer.mjs', import.meta.url));
const ROUNDS = 8;
const ACKED_MAX = 40;

it('a turn that was acknowledged is whole after kill -9, and none is there in part', async () => {
  const path = `${tempFolder()}/store.db`;
  const setup = await openStore({ path });
  const threads = [0, 1].map(() => setup.runtime.createThread({ workspace: '/w' }));
  const threadIds = (await Promise.all(threads)).map((thread) => thread.id);
  await setup.close();
  const library = await builtLibrary();

  const acked: string[] = [];
  let kills = 0;
  const writeAndDie = async (threadId: string) => {
    const child = spawn(process.execPath, [WRITER, library, path, threadId], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const exited = once(child, 'exit');
    const killAfter = 1 + Math.floor(Math.random() * ACKED_MAX);
    let count = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      acked.push(line.replace('ACK ', ''));
      count++;
      // Somewhere in the turns after this one.
      if (count === killAfter) setTimeout(() => child.kill('SIGKILL'), Math.random() * 5);
    });
    const [, signal] = (await exited) as [number | null, string | null];
    if (signal === 'SIGKILL') kills++;
  };
  for (let round = 0; round < ROUNDS / 2; round++) await Promise.all(threadIds.map(writeAndDie));
  expect(kills).toBe(ROUNDS);
  expect(acked.length).toBeGreaterThanOrEqual(ROUNDS);

  const store = await openStore({ path });
  onTestFinished(() => store.close());
  const complete = new Set<string>();
  for (const threadId of threadIds) {
    const { items: turns } = await store.runtime.listTurns(threadId, { limit: 1000 });
    const { items: events } = await store.events.since(threadId, 0, { limit: 4096 });
    expect(events.map((event) => event.turnId)).toEqual(turns.map((turn) => turn.id));
    expect(events.map((event) => event.seq)).toEqual(turns.map((_, i) => i + 1));
    for (const turn of turns) {
      const { items } = await store.runtime.listItems(turn.id);
      expect(items.map((item) => item.detail?.length)).toEqual([15, 15, 15_000]);
      complete.add(turn.id);
    }
  }
  expect(acked.filter((id) => !complete.has(id))).toEqual([]);
  const connection = new Connection(path, { busyWaitMs: 5, readOnly: true });
  const count = (table: string) => connection.row(`select count(*) from ${table}`)?.[0];
  expect(count('runtime_items')).toBe(complete.size * 3);
  expect(count('runtime_events')).toBe(complete.size);
  expect(connection.row('pragma integrity_check')).toEqual(['ok']);
  connection.close();
});
