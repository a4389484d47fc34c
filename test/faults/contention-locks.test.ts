import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/index.ts';
import { tempFolder } from '../support/temp-store.ts';
import { rounds, seeded } from './sync/seed.ts';

const HOLDER = fileURLToPath(new URL('contention-holder.mjs', import.meta.url));
/** How long a program is stopped; longer with FAULT_ROUNDS. */
const STOPPED_MS = 4000 * rounds(1);

interface Holder {
  readonly child: ChildProcess;
  /** Resolves whenever it holds the lock anew. */
  held(): Promise<void>;
}

function startHolder(path: string, how: 'hold' | 'once', ms: number): Holder {
  const child = spawn(process.execPath, [HOLDER, path, how, String(ms)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async held() {
      const line: IteratorResult<string, unknown> = await lines.next();
      if (line.done) throw new Error('the holder has ended');
    },
  };
}

async function storeWithSession() {
  const path = join(tempFolder(), 'store.db');
  const store = await openStore({ path });
  onTestFinished(() => store.close());
  await store.sessions.create({ title: 'whole', workspace: '/w' });
  return { path, store };
}

describe('another program that holds the lock', () => {
  it('for 300 ms again and again, and is killed at last, loses and stops nobody', async () => {
    const random = seeded('a storm of locks');
    const { path, store } = await storeWithSession();
    const holder = startHolder(path, 'hold', 300);
    const acked: string[] = [];
    for (let round = 0; round < 6; round++) {
      await holder.held();
      // Begun while it is locked out.
      for (let i = 0; i < 1 + random.below(4); i++) {
        const { id } = await store.tasks.create({ prompt: `${round} ${i}`, workspace: '/w' });
        acked.push(id);
      }
    }
    await holder.held();
    holder.child.kill('SIGKILL');
    await once(holder.child, 'exit');
    acked.push((await store.tasks.create({ prompt: 'after the kill', workspace: '/w' })).id);
    await store.close();
    const again = await openStore({ path });
    onTestFinished(() => again.close());
    const found = (await again.tasks.list({ limit: 1000 })).items.map(({ id }) => id);
    expect(found.sort()).toEqual(acked.sort());
    expect((await again.sessions.list()).items.map(({ title }) => title)).toEqual(['whole']);
    expect((await again.check()).ok).toBe(true);
  });

  it('inside a transaction and is stopped: others read, wait, and go on', async () => {
    const { path, store } = await storeWithSession();
    const holder = startHolder(path, 'once', STOPPED_MS / 2);
    await holder.held();
    holder.child.kill('SIGSTOP');
    let waiting = true;
    const write = store.tasks.create({ prompt: 'waits', workspace: '/w' }).finally(() => {
      waiting = false;
    });
    const until = Date.now() + STOPPED_MS;
    while (Date.now() < until) {
      expect((await store.sessions.list()).items.map(({ title }) => title)).toEqual(['whole']);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    // It was locked out all the time.
    expect(waiting).toBe(true);
    const gone = once(holder.child, 'exit');
    holder.child.kill('SIGCONT');
    const [task] = await Promise.all([write, gone]);
    expect((await store.tasks.get(task.id)).prompt).toBe('waits');
    expect((await store.sessions.list()).items.map(({ title }) => title)).toEqual(['whole']);
    // What it had begun to delete is there.
    expect((await store.check()).ok).toBe(true);
  });
});
