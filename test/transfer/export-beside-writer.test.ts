import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fileSize } from '../../src/db/file-facts.ts';
import { openStore, type Store } from '../../src/index.ts';
import { importInto, readLines, workIn } from '../support/export-tools.ts';
import { tempFolder } from '../support/temp-store.ts';

/** A thread with all that belongs to it, and a session with its goal: nobody ever sees a part of it. */
async function writeWhole(store: Store): Promise<void> {
  await store.transaction(async (tx) => {
    const thread = await tx.runtime.createThread({ workspace: '/w', model: 'a', mode: 'agent' });
    await tx.runtime.saveTurnWithItems(thread.id, {
      turn: { status: 'completed' },
      items: [{ kind: 'agent_message', status: 'completed', detail: 'a' }],
      events: [{ type: 'turn.completed', payload: {} }],
    });
    const session = await tx.sessions.create({ workspace: '/w' });
    await tx.goals.upsert({ scope: 'session', ownerId: session.id, objective: 'green' });
  });
}

/** A store with `WHOLE` of those, which gets one more at each report of progress. */
async function openWritten(path: string) {
  const store = await openStore({ path, durability: 'normal' });
  onTestFinished(() => store.close());
  for (let i = 0; i < WHOLE; i++) await writeWhole(store);
  const written: Promise<void>[] = [];
  const onProgress = () => void written.push(writeWhole(store));
  return { store, written, onProgress };
}

const WHOLE = 5;

it('a legacy export beside a writer holds the store as it was at one moment', async () => {
  const folder = tempFolder();
  const { store, written, onProgress } = await openWritten(join(folder, 'a.db'));

  const report = await store.export(join(folder, 'out'), { format: 'legacy', onProgress });

  await Promise.all(written);
  expect(written.length).toBeGreaterThan(5);
  const { threads, turns, items, events, sessions, session_goals: goals } = report.byKind;
  expect([threads, turns, items, events, sessions, goals]).toEqual(Array(6).fill(WHOLE));
  const again = await importInto(join(folder, 'b.db'), join(folder, 'out'));
  expect(again.problems).toEqual([]);
  expect(again.totals.orphaned).toBe(0);
  expect((await store.runtime.listThreads()).items).toHaveLength(WHOLE + written.length);
});

it('an export as lines holds one moment too', async () => {
  const folder = tempFolder();
  const { store, written, onProgress } = await openWritten(join(folder, 'a.db'));

  await store.export(join(folder, 'out'), { format: 'jsonl', onProgress });

  await Promise.all(written);
  const counted = (kind: string) => readLines(join(folder, 'out'), `${kind}.jsonl`).length;
  expect(['threads', 'turns', 'items', 'events', 'goals'].map(counted)).toEqual(
    Array(5).fill(WHOLE),
  );
});

it('an export ends when its store is closed, and keeps no log from being folded', async () => {
  const folder = tempFolder();
  const path = join(folder, 'a.db');
  const { store, written, onProgress } = await openWritten(path);
  let closed: Promise<void> | undefined;
  const writeAndClose = () => {
    if (closed) return;
    onProgress();
    closed = store.close();
  };

  const exporting = store.export(join(folder, 'out'), {
    format: 'legacy',
    onProgress: writeAndClose,
  });

  await expect(exporting).rejects.toMatchObject({ code: 'CLOSED' });
  await Promise.all([closed, ...written]);
  expect(fileSize(`${path}-wal`)).toBe(0);
  const threads = await workIn(path, (again) => again.runtime.listThreads());
  expect(threads.items).toHaveLength(WHOLE + 1);
});
