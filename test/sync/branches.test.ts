import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { takeIdentity } from '../../src/db/identity.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** The clock of all devices: each message is a second later than the one before. */
let clock = Date.UTC(2026, 7, 1);
const now = () => clock;
let hub: FileHub;
let a: SyncDevice;
let b: SyncDevice;
let c: SyncDevice;

beforeEach(async () => {
  hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  a = await syncDevice('a', hub, { now });
  b = await syncDevice('b', hub, { now });
  c = await syncDevice('c', hub, { now });
});

async function exchange(...devices: SyncDevice[]): Promise<void> {
  for (const device of [...devices, ...devices]) await device.sync();
}

describe('the branches of a session', () => {
  let id: string;

  async function say({ store }: SyncDevice, ...texts: string[]): Promise<string[]> {
    const ids: string[] = [];
    for (const text of texts) {
      clock += 1000;
      const parent = { parent: await leafOf({ store }) };
      ids.push(
        ...(await store.sessions.appendMessages(id, [{ role: 'user', content: text }], parent)),
      );
    }
    return ids;
  }

  const leafOf = async ({ store }: Pick<SyncDevice, 'store'>) =>
    (await store.sessions.messages(id)).items.at(-1)?.id ?? null;

  async function shown({ store }: SyncDevice): Promise<string> {
    const { items } = await store.sessions.messages(id);
    expect((await store.sessions.get(id)).messageCount).toBe(items.length);
    const branches = await store.sessions.branches(id);
    expect(branches.filter(({ current }) => current)).toHaveLength(items.length > 0 ? 1 : 0);
    return items.map(({ content }) => (content as [{ text: string }])[0].text).join(' ');
  }

  const newer = async ({ store }: SyncDevice) => (await store.sessions.get(id)).newerBranch;

  beforeEach(async () => {
    ({ id } = await a.store.sessions.create({ workspace: '/w' }));
    await say(a, 'm1', 'm2');
    await exchange(a, b, c);
  });

  it('of two that go on apart are followed by a third to the newest end, as by one that joins', async () => {
    await say(a, 'a3');
    await say(b, 'b3', 'b4');
    await exchange(a, b, c);
    const joining = await syncDevice('d', hub, { now });
    await joining.sync();
    expect(await shown(c)).toBe('m1 m2 b3 b4');
    expect(await shown(joining)).toBe('m1 m2 b3 b4');
    expect(await shown(a)).toBe('m1 m2 a3');
    expect(await shown(b)).toBe('m1 m2 b3 b4');
    await say(a, 'a4');
    await exchange(a, b, c, joining);
    expect(await shown(c)).toBe('m1 m2 a3 a4');
    expect(await shown(joining)).toBe('m1 m2 a3 a4');
    expect(await shown(b)).toBe('m1 m2 b3 b4');
  });

  it('are listed newest first wherever they came in another order', async () => {
    const parent = await leafOf(a);
    const add = async ({ store }: SyncDevice, content: string) => {
      const messages = [{ role: 'user', content } as const];
      return (await store.sessions.appendMessages(id, messages, { parent }))[0];
    };
    const first = await add(a, 'first');
    clock += 1000;
    // Of one moment.
    const second = [await add(a, 'second'), await add(b, 'third')].sort().toReversed();
    await exchange(b, a, c);
    for (const { store } of [a, b, c]) {
      const branches = await store.sessions.branches(id);
      expect(branches.map(({ leaf }) => leaf)).toEqual([...second, first]);
    }
  });

  it('that another device went back from are left by a device that only reads', async () => {
    await say(a, 'wrong', 'worse');
    await exchange(a, b, c);
    const [, second] = (await a.store.sessions.messages(id)).items;
    await a.store.sessions.setCurrent(id, second?.id as string);
    await say(a, 'better', 'good');
    await exchange(a, b, c);
    for (const device of [a, b, c]) expect(await shown(device)).toBe('m1 m2 better good');
  });

  it('are told of where a device stays at its own messages', async () => {
    await say(b, 'b3');
    await exchange(a, b);
    expect(await newer(b)).toBeUndefined();
    const [, second] = (await a.store.sessions.messages(id)).items;
    await a.store.sessions.setCurrent(id, second?.id as string);
    const ids = await say(a, 'a3', 'a4');
    await exchange(a, b, c);
    expect(await shown(b)).toBe('m1 m2 b3');
    const told = { leaf: ids[1], messageCount: 2, updatedAt: new Date(clock).toISOString() };
    expect(await newer(b)).toMatchObject({ leaf: told.leaf, messageCount: 2 });
    expect(Date.parse((await newer(b))?.updatedAt as string)).toBe(clock);
    expect((await b.store.sessions.list()).items[0]?.newerBranch).toEqual(await newer(b));
    expect(await newer(a)).toBeUndefined();
    expect((await c.store.sessions.list()).items[0]).not.toHaveProperty('newerBranch');
    expect(await shown(c)).toBe('m1 m2 a3 a4');
  });

  it('of messages that the store wrote under a former id are its own', async () => {
    await say(b, 'b3');
    await exchange(a, b);
    await b.database.write({ now }, (transaction) => {
      takeIdentity(transaction, '01K00000000000000000000000', 'machine of b');
    });
    const [, second] = (await a.store.sessions.messages(id)).items;
    await a.store.sessions.setCurrent(id, second?.id as string);
    await say(a, 'a3');
    await exchange(a, b);
    expect(await shown(b)).toBe('m1 m2 b3');
  });

  it('stay where the user went back to a message, which is marked on its branch', async () => {
    const [first] = (await c.store.sessions.messages(id)).items;
    await c.store.sessions.setCurrent(id, first?.id as string);
    await say(a, 'a3');
    await exchange(a, c);
    expect(await shown(c)).toBe('m1');
    expect(await newer(c)).toMatchObject({ messageCount: 2 });
    expect(await c.store.sessions.branches(id)).toMatchObject([
      { messageCount: 3, current: true, currentMessage: first?.id },
    ]);
    const [other] = await a.store.sessions.branches(id);
    expect(other).not.toHaveProperty('currentMessage');
    // Also where others go on from that very message: it has been gone on from before.
    await b.store.sessions.setCurrent(id, first?.id as string);
    await say(b, 'b2');
    await exchange(b, c);
    expect(await shown(c)).toBe('m1');
  });

  it('stay where the user chose an end, and go along with what follows it', async () => {
    await say(a, 'a3');
    await say(b, 'b3');
    await exchange(a, b, c);
    const chosen = await leafOf(a);
    await c.store.sessions.setCurrent(id, chosen as string);
    await say(b, 'b4');
    await exchange(b, c);
    expect(await shown(c)).toBe('m1 m2 a3');
    // Two at once go on from it: the newest of them.
    const joining = await syncDevice('d', hub, { now });
    await joining.sync();
    await joining.store.sessions.setCurrent(id, chosen as string);
    await say(joining, 'd4', 'd5');
    await say(a, 'a4');
    await exchange(joining, a, c);
    expect(await shown(c)).toBe('m1 m2 a3 a4');
    await say(b, 'b5');
    await say(a, 'a5');
    await say(b, 'b6');
    await exchange(a, b, c);
    expect(await shown(c)).toBe('m1 m2 a3 a4 a5');
  });

  it('follow a file that was compacted and imported again elsewhere', async () => {
    const home = tempFolder();
    mkdirSync(join(home, 'sessions'));
    id = 'compacted';
    for (const [day, texts] of [
      ['02', ['m0', 'm1', 'm2']],
      ['03', ['summary', 'm2', 'm3', 'm4']],
      ['04', ['summary of all']],
      ['05', ['summary of all', 'm5', 'm6']],
    ] as const) {
      writeFileSync(join(home, 'sessions', `${id}.json`), sessionFile(id, day, texts));
      await a.store.import([home]);
      await exchange(a, b);
      const joining = await syncDevice('d', hub, { now });
      await joining.sync();
      for (const device of [a, b, joining]) expect(await shown(device)).toBe(texts.join(' '));
    }
  });

  it('follow whichever is newer, the file of an import or what a device added', async () => {
    const home = tempFolder();
    mkdirSync(join(home, 'sessions'));
    id = 'both';
    const write = (day: string, ...texts: string[]) => {
      writeFileSync(join(home, 'sessions', `${id}.json`), sessionFile(id, day, texts));
    };
    write('01', 'm0', 'm1');
    await a.store.import([home]);
    await exchange(a, b, c);
    clock = Date.UTC(2026, 8, 2);
    await say(c, 'c2');
    await exchange(c, a, b);
    for (const device of [a, b, c]) expect(await shown(device)).toBe('m0 m1 c2');
    write('03', 'm0', 'm1', 'm2');
    await a.store.import([home]);
    expect(await shown(a)).toBe('m0 m1 m2');
    await exchange(a, b, c);
    for (const device of [a, b]) expect(await shown(device)).toBe('m0 m1 m2');
    expect(await shown(c)).toBe('m0 m1 c2');
    clock = Date.UTC(2026, 8, 4);
    await say(c, 'c3');
    await exchange(c, a, b);
    for (const device of [a, b, c]) expect(await shown(device)).toBe('m0 m1 c2 c3');
  });
});

function sessionFile(id: string, day: string, texts: readonly string[]): string {
  const at = `2026-09-${day}T00:00:00Z`;
  return JSON.stringify({
    schema_version: 1,
    metadata: {
      id,
      title: 't',
      created_at: '2026-09-01T00:00:00Z',
      updated_at: at,
      message_count: texts.length,
      total_tokens: 1,
      model: 'm',
      workspace: '/w',
    },
    messages: texts.map((text) => ({ role: 'user', content: [{ type: 'text', text }] })),
    system_prompt: null,
  });
}

describe('the branches of a state thread', () => {
  const shown = async ({ store }: SyncDevice) =>
    (await store.threads.messages('t')).items.map(({ content }) => content).join(' ');

  it('are followed and stayed on likewise', async () => {
    const say = async ({ store }: SyncDevice, content: string) => {
      clock += 1000;
      return store.threads.appendMessage('t', { role: 'user', content });
    };
    await a.store.threads.upsert({ id: 't', cwd: '/w' });
    const first = await say(a, 'm1');
    await exchange(a, b, c);
    await say(b, 'b2');
    await c.store.threads.setLeaf('t', first.id);
    await say(a, 'a2');
    const joining = await syncDevice('d', hub, { now });
    await exchange(a, b, c, joining);
    expect(await Promise.all([a, b, c, joining].map(shown))).toEqual([
      'm1 a2',
      'm1 b2',
      'm1 a2',
      'm1 a2',
    ]);
    await c.store.threads.setLeaf('t', first.id);
    const [current, ...others] = (await c.store.threads.leaves('t')).toSorted(
      (x, y) => Number(y.current) - Number(x.current),
    );
    expect(current).toMatchObject({ current: true, currentMessage: first.id });
    expect(others).toMatchObject([{ current: false }]);
    await say(b, 'b3');
    await exchange(b, c, joining);
    expect(await Promise.all([c, joining].map(shown))).toEqual(['m1', 'm1 b2 b3']);
  });
});
