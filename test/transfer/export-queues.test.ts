import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { setupCli } from '../cli/run-cli.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

async function exported(store: Store, session?: string) {
  const dir = join(tempFolder(), 'out');
  const report = await store.export(dir, { format: 'legacy', session });
  const folder = join(dir, 'sessions', 'checkpoints');
  const files = readdirSync(dir).includes('sessions') ? readdirSync(folder) : [];
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as object;
  return { dir, report, files, read };
}

it('a queue of the library comes back by export and import, with all that it said', async () => {
  const store = await tempStore();
  const queue = {
    messages: [{ text: 'typed', n: 1 }, 'plain', { display: 'shown', text: 'more' }],
    draft: { content: 'half' },
  };
  await store.offlineQueue.save('s-1', queue);
  const { dir, report, files } = await exported(store);
  expect(files).toEqual(['offline_queue.json']);
  expect(report.byKind).toMatchObject({ offline_queue: 1 });
  expect(report.skipped).toEqual([]);
  const other = await tempStore();
  expect((await other.import([dir])).problems).toEqual([]);
  expect(await other.offlineQueue.load('s-1')).toEqual({
    session_id: 's-1',
    messages: [
      { text: 'typed', n: 1, display: 'typed' },
      { display: 'plain' },
      { display: 'shown', text: 'more' },
    ],
    draft: { content: 'half', display: 'half' },
  });
});

it('a queue that the old program would refuse is left out and said so, and takes nobody’s place', async () => {
  let now = 1_000;
  const store = await tempStore({ clock: () => now++ });
  await store.offlineQueue.save('s-1', { messages: [{ text: 'typed' }] });
  await store.offlineQueue.save('s-2', { messages: [{ parts: [] }] });
  const { report, files, read } = await exported(store);
  expect(files).toEqual(['offline_queue.json']);
  expect(read('offline_queue.json')).toMatchObject({ session_id: 's-1' });
  expect(report.skipped).toEqual([{ kind: 'offline_queue', reason: 'wrong_shape', count: 1 }]);
});

it('of two queues the program says where the second one is, and that no import reads it', async () => {
  let now = 1_000;
  const store = await tempStore({ clock: () => now++ });
  for (const title of ['one', 'two']) {
    const { id } = await store.sessions.create({ title, workspace: '/w' });
    await store.offlineQueue.save(id, { messages: [{ text: title }] });
  }
  const { files, report } = await exported(store);
  expect(files).toHaveLength(2);
  expect(report.skipped).toEqual([{ kind: 'offline_queue', reason: 'later_format', count: 1 }]);
  // The queue of one session alone has the slot, however old it is.
  const oldest = (await store.sessions.list()).items.find(({ title }) => title === 'one');
  const alone = await exported(store, oldest?.id);
  expect(alone.files).toEqual(['offline_queue.json']);
  expect(alone.report.skipped).toEqual([]);

  const cli = await setupCli();
  const args = ['--quiet', '--db', store.path, 'export', 'out', '--format', 'legacy'];
  const { code, stderr } = await cli.run(...args);
  expect(code).toBe(0);
  expect(stderr).toBe(
    'warning: offline_queue, later_format (1): written under the name of a later version, and not ' +
      'read by an import; --format jsonl has it\n',
  );
});
