import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Lease } from '../../../src/sync/worker/lease.ts';
import { lookAround } from '../../../src/sync/worker/look.ts';
import { recordFailure } from '../../../src/sync/worker/record-status.ts';
import { FileHub } from '../../support/file-hub.ts';
import { syncDevice } from '../../support/sync-device.ts';
import { tempFolder } from '../../support/temp-store.ts';

async function setup() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  return { a, b, look: () => a.database.read(lookAround) };
}

describe('lookAround', () => {
  it('finds something unsent before an exchange and nothing after it', async () => {
    const { a, look } = await setup();
    expect((await look()).unsent).not.toBe('');
    await a.sync();
    expect((await look()).unsent).toBe('');

    const { id } = await a.store.sessions.create({ title: 'one', workspace: '/w', model: 'm' });
    const first = (await look()).unsent;
    await a.store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }]);
    const second = (await look()).unsent;

    expect(first).not.toBe('');
    expect(second).not.toBe('');
    expect(second).not.toBe(first);
    await a.sync();
    expect((await look()).unsent).toBe('');
  });

  it('finds nothing unsent in what came from another device', async () => {
    const { a, b, look } = await setup();
    await a.sync();
    const { id } = await b.store.sessions.create({ title: 'one', workspace: '/w', model: 'm' });
    await b.store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }]);
    await b.sync();

    expect((await a.sync()).applied).toBeGreaterThan(0);

    expect((await look()).unsent).toBe('');
  });

  it('sees nothing new in what a worker notes itself', async () => {
    const { a, look } = await setup();
    await a.sync();
    const before = await look();
    const access = { database: a.database, now: Date.now };

    await new Lease(access).take();
    await recordFailure(access, new Error('bug'));

    expect(await look()).toEqual(before);
  });

  it('sees another token in the file, written over it or put in its place', async () => {
    const { a, look } = await setup();
    const file = join(tempFolder(), 'hub.jwt');
    writeFileSync(file, 'first');
    await a.database.write({ now: Date.now }, (transaction) => {
      transaction.run('update sync_state set token_file = ?', [file]);
    });
    const first = await look();
    expect(await look()).toEqual(first);
    writeFileSync(file, 'the second');
    const second = await look();
    writeFileSync(`${file}.new`, 'next token');
    renameSync(`${file}.new`, file);
    const third = await look();
    expect(new Set([first, second, third].map(({ settings }) => settings)).size).toBe(3);
  });

  it('sees another address, and that sync was turned off', async () => {
    const { a, look } = await setup();
    const before = await look();

    await a.database.write({ now: Date.now }, (transaction) => {
      transaction.run(`update sync_state set url = 'http://elsewhere'`);
    });
    const after = await look();
    await a.store.sync.disable();

    expect(after.settings).not.toBe(before.settings);
    expect(await look()).toEqual({ enabled: false, settings: '', unsent: '' });
  });
});
