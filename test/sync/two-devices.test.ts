import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

async function pair() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  return [await syncDevice('a', hub), await syncDevice('b', hub)] as const;
}

describe('two devices', () => {
  it('exchange a session, its messages and a task, and merge edits of different registers', async () => {
    const [a, b] = await pair();
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await a.store.sessions.appendMessages(id, [
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'x'.repeat(10_000) },
    ]);
    const task = await a.store.tasks.create({ prompt: 'do it' });
    await a.sync();
    await b.sync();
    expect((await b.store.sessions.messages(id)).items).toHaveLength(2);
    await b.store.sessions.rename(id, 'two');
    await a.store.sessions.archive(id);
    for (const one of [b, a, b]) await one.sync();
    expect(await a.store.sessions.get(id)).toEqual(await b.store.sessions.get(id));
    expect((await a.store.sessions.get(id)).title).toBe('two');
    expect((await b.store.tasks.get(task.id)).prompt).toBe('do it');
  });

  it('send nothing twice, and nothing back', async () => {
    const [a, b] = await pair();
    await a.store.tasks.create({ prompt: 'once' });
    await a.store.audit.append({ event: 'once', details: {} });
    expect((await a.store.stats()).pendingSync).toBeGreaterThan(0);
    expect((await a.sync()).pushed).toBeGreaterThan(0);
    expect((await a.store.stats()).pendingSync).toBe(0);
    expect(await a.sync()).toMatchObject({ pushed: 0, pulled: 0 });
    expect((await b.sync()).applied).toBeGreaterThan(0);
    expect(await b.sync()).toMatchObject({ pushed: 0, pulled: 0 });
  });

  it('find what came by search', async () => {
    const [a, b] = await pair();
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w' });
    await a.store.sessions.appendMessages(id, [{ role: 'user', content: 'the grinning walrus' }]);
    await a.sync();
    await b.sync();
    await b.store.repair();
    expect((await b.store.search('walrus')).items).toHaveLength(1);
  });

  it('are told apart where one is a copy of the other on another machine, before both have pushed', async () => {
    const [a] = await pair();
    await a.store.tasks.create({ prompt: 'before' });
    await a.sync();
    const path = join(tempFolder(), 'copy.db');
    await a.store.backup(path);
    const copy = await syncDevice('copy', a.exchange.hub, { path });
    await copy.sync();
    const [first, second] = [await a.store.sync.status(), await copy.store.sync.status()];
    expect(second.deviceId).not.toBe(first.deviceId);
  });
});
