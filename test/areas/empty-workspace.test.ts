import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SmallHome } from '../support/small-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const AT = '2026-02-20T10:00:00Z';

it('an empty folder is refused by whatever takes one, and nothing is made', async () => {
  const store = await tempStore();
  const { sessions, tasks, runtime, threads, triggers } = store;
  const session = await sessions.create({ workspace: '/w' });
  const task = await tasks.create({ prompt: 'p' });
  const thread = await runtime.createThread({ workspace: '/w' });
  const workspace = '';
  for (const call of [
    () => sessions.create({ workspace }),
    () => sessions.update(session.id, { workspace }),
    () => sessions.list({ workspace }),
    () => tasks.create({ prompt: 'p', workspace }),
    () => tasks.update(task.id, { workspace }),
    () => tasks.list({ workspace }),
    () => runtime.createThread({ workspace }),
    () => runtime.updateThread(thread.id, { workspace }),
    () => runtime.listThreads({ workspace }),
    () => threads.upsert({ cwd: '' }),
    () => threads.list({ cwd: '' }),
    () => triggers.create({ message: 'm', fireAt: '2099-01-01T00:00:00Z', workspace }),
  ]) {
    await expect(call(), call.toString()).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('is empty: give a folder') as string,
    });
  }
  expect((await sessions.list()).items).toHaveLength(1);
  expect((await tasks.list()).items).toHaveLength(1);
  expect((await runtime.listThreads()).items).toHaveLength(1);
});

it('a record of an old home that has an empty one comes in, is edited, and goes out again', async () => {
  const home = new SmallHome();
  const place = { model: 'm', workspace: '', mode: 'agent', allow_shell: true };
  home.put('sessions/s1.json', {
    metadata: {
      ...{ id: 's1', title: 't', created_at: AT, updated_at: AT, message_count: 1 },
      ...{ total_tokens: 0, model: 'm', workspace: '' },
    },
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
  });
  home.put('tasks/tasks/task_1.json', {
    ...{ ...place, id: 'task_1', prompt: 'p', trust_mode: false, status: 'queued' },
    ...{ created_at: AT, tool_calls: [], timeline: [] },
  });
  home.put('tasks/runtime/threads/thr_1.json', {
    ...{ ...place, id: 'thr_1', created_at: AT, updated_at: AT },
    ...{ trust_mode: false, auto_approve: false },
  });
  const store = await tempStore();
  expect((await store.import([home.root])).totals).toMatchObject({ found: 3, imported: 3 });
  await store.sessions.rename('s1', 'renamed');
  const fork = await store.sessions.fork('s1');
  expect(fork.workspace).toBe('');
  await store.runtime.fork('thr_1');
  await store.tasks.update('task_1', { prompt: 'q' });

  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  const again = await tempStore();
  expect((await again.import([out])).totals).toMatchObject({ failed: 0, orphaned: 0 });
  expect((await again.sessions.get('s1')).workspace).toBe('');
  expect((await again.tasks.get('task_1')).workspace).toBe('');
  expect((await again.runtime.getThread('thr_1')).workspace).toBe('');
});
