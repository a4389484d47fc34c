import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Conflict, Digest, Page, Session, SessionBranch, Task } from '../../src/index.ts';
import { builtLibrary } from '../support/built-library.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';

/** A device in a process of its own. */
interface Remote {
  readonly path: string;
  call<T>(method: string, ...given: unknown[]): Promise<T>;
}

async function startDevice(name: string): Promise<Remote> {
  const path = join(tempFolder(), 'store.db');
  const child = fork('test/sync/story-device.mjs', [await builtLibrary(), path], {
    env: { ...process.env, CODEWHALE_STORE_MACHINE_ID: `machine of ${name}` },
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child, 'message');
  return { path, call: caller(child) };
}

interface Reply {
  number: number;
  value?: unknown;
  error?: { name: string; code: string; message: string };
}

function caller(child: ChildProcess): Remote['call'] {
  const waiting = new Map<number, (reply: Reply) => void>();
  let last = 0;
  child.on('message', (reply: Reply) => waiting.get(reply.number)?.(reply));
  return async <T>(...call: [string, ...unknown[]]) => {
    const number = ++last;
    const replied = new Promise<Reply>((resolve) => waiting.set(number, resolve));
    child.send({ number, call });
    const { value, error } = await replied;
    if (error) throw Object.assign(new Error(`${call[0]}: ${error.message}`), error);
    return value as T;
  };
}

/** The first makes the key, the others bring it. */
async function enableAll(sqld: Sqld, devices: readonly Remote[]): Promise<void> {
  const [first, ...others] = devices as [Remote, ...Remote[]];
  await first.call('sync.enable', sqld.url, { name: 'first' });
  const { phrase } = await first.call<{ phrase: string }>('sync.exportKey');
  const keyFile = join(tempFolder(), 'hub.key');
  writeFileSync(keyFile, phrase, { mode: 0o600 });
  for (const [i, device] of others.entries()) {
    await device.call('sync.enable', sqld.url, { name: `other ${i}`, keyFile });
  }
}

/** Until nothing moves: what one sends last, another still has to read. */
async function settle(devices: readonly Remote[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const device of devices) await device.call('sync.now');
  }
}

async function digests(devices: readonly Remote[]): Promise<string[]> {
  const all = await Promise.all(devices.map((device) => device.call<Digest>('sync.verify')));
  return all.map(({ digest }) => digest);
}

const say = (content: string) => [{ role: 'user', content }];

describe('devices that were apart', () => {
  it('agree on everything, keep what each wrote, and show what lost', async () => {
    const sqld = await startSqld();
    const [a, b, c] = (await Promise.all(['a', 'b', 'c'].map(startDevice))) as [
      Remote,
      Remote,
      Remote,
    ];
    const all = [a, b, c];
    await enableAll(sqld, all);
    const session = await a.call<Session>('sessions.create', { title: 'plan', workspace: '/w' });
    const other = await a.call<Session>('sessions.create', { title: 'notes', workspace: '/w' });
    await a.call('sessions.appendMessages', session.id, say('begin'));
    const task = await a.call<Task>('tasks.create', { prompt: 'build' });
    await a.call('automations.create', {
      name: 'nightly',
      prompt: 'check',
      rule: 'FREQ=HOURLY;INTERVAL=1',
    });
    await a.call('threads.upsert', { id: 'thread-1', preview: 'p', modelProvider: 'm', cwd: '/w' });
    const runtime = await a.call<{ id: string }>('runtime.createThread', {
      model: 'm',
      workspace: '/w',
    });
    await settle(all);
    expect(new Set(await digests(all)).size).toBe(1);

    // Apart: nobody exchanges anything.
    await a.call('sessions.rename', session.id, 'plan of a');
    await b.call('sessions.rename', session.id, 'plan of b');
    await c.call('sessions.archive', session.id);
    await b.call('sessions.appendMessages', session.id, say('from b'));
    await c.call('sessions.appendMessages', session.id, say('from c'));
    await a.call('sessions.delete', other.id);
    await b.call('sessions.restore', other.id);
    await c.call('sessions.rename', other.id, 'notes of c');
    await a.call('tasks.cancel', task.id);
    await c.call('tasks.create', { prompt: 'another' });
    for (const device of all) {
      await device.call('threads.appendMessage', 'thread-1', { role: 'user', content: 'hi' });
      await device.call('events.append', runtime.id, [
        { type: 'note', payload: { from: device.path } },
        { type: 'note', payload: { text: 'x'.repeat(100_000) } },
      ]);
    }
    expect(new Set(await digests(all)).size).toBe(3);

    await settle(all);
    expect(new Set(await digests(all)).size).toBe(1);
    for (const device of all) {
      const held = await device.call<Session>('sessions.get', session.id);
      // The later rename wins; the archive of a third is another register.
      expect(held.title).toBe('plan of b');
      expect(held.archivedAt).not.toBeNull();
      const branches = await device.call<SessionBranch[]>('sessions.branches', session.id);
      expect(branches.map(({ messageCount }) => messageCount)).toEqual([2, 2]);
      expect((await device.call<Session>('sessions.get', other.id)).title).toBe('notes of c');
      expect((await device.call<Task>('tasks.get', task.id)).status).toBe('canceled');
      const events = await device.call<{ items: unknown[] }>('events.since', runtime.id, 0);
      expect(events.items).toHaveLength(6);
    }
    const lost = await a.call<Page<Conflict>>('sync.conflicts');
    expect(lost.items).toContainEqual(
      expect.objectContaining({ id: session.id, register: 'title', lost: { title: 'plan of a' } }),
    );
  });

  it('have different digests as soon as one cell differs', async () => {
    const sqld = await startSqld();
    const [a, b] = (await Promise.all(['a', 'b'].map(startDevice))) as [Remote, Remote];
    await enableAll(sqld, [a, b]);
    const { id } = await a.call<Session>('sessions.create', { title: 'one', workspace: '/w' });
    await a.call('sessions.appendMessages', id, [...say('short'), ...say('y'.repeat(20_000))]);
    await settle([a, b]);
    const [before] = await digests([a, b]);
    const cells = await a.call<Digest>('sync.verify');
    expect(Object.values(cells.tables).reduce((sum, { rows }) => sum + rows, 0)).toBe(3);
    const driver = new Driver(b.path);
    const triggers = driver
      .prepare(`select name from sqlite_master where type = 'trigger'`)
      .all() as { name: string }[];
    // By hand, and so past every guard.
    for (const { name } of triggers) driver.exec(`drop trigger ${name}`);
    const change = async (sql: string, back: string) => {
      driver.exec(sql);
      const [changed] = await digests([b]);
      expect(changed, sql).not.toBe(before);
      driver.exec(back);
      expect((await digests([b]))[0], back).toBe(before);
    };
    for (const [table, column] of [
      ['sessions', 'title'],
      ['sessions', 'workspace'],
      ['sessions', 'device'],
      ['sessions', 'title_version'],
      ['session_messages', 'role'],
      ['session_messages', 'device'],
    ]) {
      await change(
        `update ${table} set ${column} = ${column} || '!'`,
        `update ${table} set ${column} = substr(${column}, 1, length(${column}) - 1)`,
      );
    }
    await change(
      'update sessions set created_at = created_at + 1',
      'update sessions set created_at = created_at - 1',
    );
  });
});
