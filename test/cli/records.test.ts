import { describe, expect, it } from 'vitest';
import { openStore, type Session, type Store, type TaskSummary } from '../../src/index.ts';
import { setupCli, type Cli } from './run-cli.ts';

interface List<T> {
  items: T[];
  nextCursor: string | null;
}

/** The program on a store that was filled through the library. */
async function setupRecords(fill: (store: Store) => Promise<void>): Promise<Cli> {
  const cli = await setupCli();
  const store = await openStore({ path: cli.db });
  await fill(store);
  await store.close();
  return cli;
}

describe('records', () => {
  it('are listed in pages, without their bodies', async () => {
    const cli = await setupRecords(async (store) => {
      for (const id of ['a', 'b', 'c']) await store.sessions.create({ id, workspace: '/w' });
    });
    const first = await cli.json<List<Session>>('session', 'list', '--limit', '2');
    const cursor = first.nextCursor ?? '';
    const second = await cli.json<List<Session>>(
      'session',
      'list',
      '--limit',
      '2',
      '--cursor',
      cursor,
    );
    expect([...first.items, ...second.items].map((session) => session.id)).toEqual(['c', 'b', 'a']);
    expect(second.nextCursor).toBeNull();
    expect(first.items[0]).not.toHaveProperty('details');
    expect((await cli.run('session', 'list', '--cursor', 'x')).code).toBe(2);
  });

  it('are found by the beginning of their id when only one has it', async () => {
    const cli = await setupRecords(async (store) => {
      for (const id of ['abc1', 'abd2', 'ab']) await store.sessions.create({ id, workspace: '/w' });
    });
    expect(await cli.json('session', 'show', 'abc')).toMatchObject({ id: 'abc1' });
    expect(await cli.json('session', 'show', 'ab')).toMatchObject({ id: 'ab' });
    const failed = await cli.run('--json', 'session', 'show', 'a');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('AMBIGUOUS_ID');
    expect((await cli.run('purge', 'a')).code).toBe(1);
    expect(await cli.json('purge', 'abd')).toEqual({ kind: 'session', id: 'abd2' });
  });

  it.each(["'; drop table sessions; --", '../../etc/passwd', '__proto__', '%', '', '\u202e', '😀'])(
    'with the odd id %j do not exist, and nothing comes of asking',
    async (id) => {
      const cli = await setupRecords(async (store) => {
        await store.sessions.create({ id: 'kept', workspace: '/w' });
      });
      for (const args of [['session', 'delete'], ['purge']]) {
        const failed = await cli.run('--json', ...args, '--', id);
        expect(failed).toMatchObject({ code: 1, stdout: '' });
        expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: 'NOT_FOUND' } });
      }
      expect((await cli.json<List<Session>>('session', 'list')).items).toHaveLength(1);
    },
  );

  it('take the words of a task and of a session as they are', async () => {
    const cli = await setupCli();
    const words = `it's "quoted" $(id) \`id\` 100% __proto__`;
    const task = await cli.json<TaskSummary>('task', 'add', words, '--workspace', '.');
    expect(task).toMatchObject({ prompt: words, status: 'queued', workspace: cli.folder });
    expect(await cli.json('task', 'cancel', task.id)).toMatchObject({ status: 'canceled' });
    expect(await cli.json('task', 'retry', task.id)).toMatchObject({
      status: 'queued',
      attempt: 2,
    });
    const listed = await cli.json<List<TaskSummary>>('task', 'list', '--status', 'queued,running');
    expect(listed.items.map(({ id }) => id)).toEqual([task.id]);
    expect((await cli.run('task', 'retry', task.id)).code).toBe(1);
  });

  it('go through the life of a session', async () => {
    const ids: string[] = [];
    const cli = await setupRecords(async (store) => {
      const { id } = await store.sessions.create({ title: 'loader', workspace: '/w' });
      const [first = ''] = await store.sessions.appendMessages(id, [
        { role: 'user', content: 'why is the loader slow?' },
        { role: 'assistant', content: 'look first' },
      ]);
      const [other = ''] = await store.sessions.appendMessages(
        id,
        [{ role: 'user', content: 'another way' }],
        { parent: first },
      );
      ids.push(id, first, other);
    });
    const [id = '', first = '', other = ''] = ids;
    expect(await cli.json('session', 'rename', id, 'quick')).toMatchObject({ title: 'quick' });
    await cli.json('session', 'archive', id);
    expect((await cli.json<List<Session>>('session', 'list')).items).toEqual([]);
    const archived = await cli.json<List<Session>>('session', 'list', '--archived', 'only');
    expect(archived.items).toHaveLength(1);
    await cli.json('session', 'unarchive', id);
    await cli.json('session', 'delete', id);
    const deleted = await cli.json<List<Session>>('session', 'list', '--deleted');
    expect(deleted.items[0]?.deletedAt).toMatch(/Z$/);
    await cli.json('session', 'restore', id);
    const branches = await cli.json<List<{ leaf: string; current: boolean }>>(
      'session',
      'branches',
      id,
    );
    expect(branches.items).toHaveLength(2);
    await cli.json('session', 'set-current', id, first);
    const messages = await cli.json<List<unknown>>('session', 'messages', id);
    expect(messages.items).toHaveLength(1);
    const fork = await cli.json<Session>('session', 'fork', id, '--at', other, '--title', 'mine');
    expect(fork).toMatchObject({ parentId: id, messageCount: 2, title: 'mine' });
    const found = await cli.json<List<{ sessionId: string }>>('search', '"another way"');
    expect(found.items.map((hit) => hit.sessionId)).toContain(id);
  });

  it('of the runtime, of jobs, automations and the audit are listed', async () => {
    const cli = await setupRecords(async (store) => {
      const thread = await store.runtime.createThread({ id: 'thr_1', workspace: '/w' });
      await store.runtime.saveTurnWithItems(thread.id, {
        turn: { id: 'turn_1', inputSummary: 'go' },
        items: [{ id: 'item_1', kind: 'agent_message', summary: 'went' }],
      });
      await store.threads.upsert({ id: 'thread-1', cwd: '/w', title: 'of the server' });
      await store.threads.appendMessage('thread-1', { role: 'user', content: 'hello' });
      await store.jobs.upsert({ id: 'job-1', name: 'index', status: 'running' });
      const rule = 'FREQ=HOURLY;INTERVAL=1';
      await store.automations.create({ id: 'auto-1', name: 'hourly', prompt: 'look', rule });
      await store.automations.runNow('auto-1');
      await store.audit.append({ event: 'tool.approved', details: { tool: 'ls' } });
    });
    for (const [command, shown] of [
      ['runtime threads', 'thr_1'],
      ['runtime turns thr', 'go'],
      ['runtime items turn', 'went'],
      ['thread list', 'of the server'],
      ['thread show thread', 'of the server'],
      ['thread messages thread', 'hello'],
      ['job list --status running', 'index'],
      ['automation list', 'hourly'],
      ['automation show auto', 'FREQ=HOURLY'],
      ['automation runs auto', 'queued'],
      ['audit list --event tool.approved', '"tool":"ls"'],
    ] as const) {
      const { code, stdout } = await cli.run(...command.split(' '));
      expect(code).toBe(0);
      expect(stdout).toContain(shown);
    }
    expect(await cli.json('runtime', 'items', 'turn_1')).toMatchObject({
      items: [{ id: 'item_1', turnId: 'turn_1' }],
      nextCursor: null,
    });
  });

  it('are filtered by days of the local zone', async () => {
    const cli = await setupRecords(async (store) => {
      // 23:30 on the 17th and 00:30 on the 18th in Tokyo.
      for (const createdAt of ['2026-08-17T14:30:00Z', '2026-08-17T15:30:00Z']) {
        await store.tasks.create({ prompt: 'p', createdAt });
      }
    });
    const count = async (...args: string[]) =>
      (await cli.json<List<TaskSummary>>('task', 'list', ...args)).items.length;
    expect(await count('--since', '2026-08-18')).toBe(1);
    expect(await count('--until', '2026-08-17')).toBe(1);
    expect(await count('--since', '2026-08-17', '--until', '2026-08-18')).toBe(2);
    expect(await count('--since', '2026-08-17T15:00:00Z')).toBe(1);
    expect(await count('--since', '2026-08-18T00:00')).toBe(1);
    expect(await count('--until', '1h')).toBe(2);
  });
});

describe('a session whose newest messages are on another branch', () => {
  it('says so beside its messages and in lists, and which message is the current one', async () => {
    let first = '';
    let last = '';
    const cli = await setupRecords(async ({ sessions }) => {
      for (const id of ['straight', 'rewound']) await sessions.create({ id, workspace: '/w' });
      const texts = ['one', 'two', 'three'].map((content) => ({ role: 'user' as const, content }));
      await sessions.appendMessages('straight', texts);
      const ids = await sessions.appendMessages('rewound', texts);
      [first = ''] = ids;
      last = ids.at(-1) ?? '';
      await sessions.setCurrent('rewound', first);
    });
    const told =
      /^2 messages on another branch, the newest of [-\d]+ [\d:]+: session branches rewound$/m;
    for (const command of ['messages', 'show']) {
      expect((await cli.run('session', command, 'rewound')).stderr).toMatch(told);
      expect((await cli.run('session', command, 'straight')).stderr).toBe('');
      for (const option of ['--json', '--quiet']) {
        expect((await cli.run(option, 'session', command, 'rewound')).stderr).toBe('');
      }
    }
    const other = await cli.run('session', 'messages', 'rewound', '--leaf', last);
    expect(other.stderr).toBe('');
    const listed = await cli.run('session', 'list');
    expect(listed.stderr).toMatch(/newer messages on another branch .*: rewound\n$/);
    expect(await cli.json('session', 'show', 'rewound')).toMatchObject({
      messageCount: 1,
      newerBranch: { leaf: last, messageCount: 2 },
    });
    const branches = await cli.run('session', 'branches', 'rewound');
    expect(branches.stdout).toContain(`at ${first}`);
    expect(branches.stderr).toContain(`session set-current rewound ${last}`);
    await cli.run('session', 'set-current', 'rewound', last);
    expect((await cli.run('session', 'messages', 'rewound')).stderr).toBe('');
  });
});
