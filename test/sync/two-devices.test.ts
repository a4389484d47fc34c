import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { tempFolder } from '../support/temp-store.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';

describe('two devices', () => {
  it('exchange a session, its messages, a task and a rename', async () => {
    const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
    const a = await syncDevice('a', hub);
    const b = await syncDevice('b', hub);
    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w', model: 'm' });
    await a.store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }, { role: 'assistant', content: 'x'.repeat(10000) }]);
    const task = await a.store.tasks.create({ prompt: 'do it' });
    console.log(await a.sync());
    console.log(await b.sync());
    expect((await b.store.sessions.get(id)).title).toBe('one');
    const messages = await b.store.sessions.messages(id);
    expect(messages.items.length).toBe(2);
    await b.store.sessions.rename(id, 'two');
    await a.store.sessions.archive(id);
    console.log(await b.sync());
    console.log(await a.sync());
    console.log(await b.sync());
    expect(await a.store.sessions.get(id)).toEqual(await b.store.sessions.get(id));
    expect((await a.store.sessions.get(id)).title).toBe('two');
    expect((await b.store.tasks.get(task.id)).prompt).toBe('do it');
    console.log(await a.sync());
  });
});
