import Driver from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore, type Store } from '../../src/index.ts';
import { tempStore } from '../support/temp-store.ts';

async function textsOf(store: Store, id: string): Promise<(string | undefined)[]> {
  const { items } = await store.sessions.messages(id);
  return items.map(({ content }) => (content as { text: string }[])[0]?.text);
}

describe('sessions', () => {
  it('keeps a conversation with its branches', async () => {
    const store = await tempStore();
    const session = await store.sessions.create({
      title: 'loader\u0000 \u202eslow',
      workspace: '/w',
    });
    expect(session.title).toBe('loader slow');
    const ids = await store.sessions.appendMessages(session.id, [
      { role: 'user', content: 'why is the loader slow? \u0000 \ud83d 🐳' },
      { role: 'assistant', content: [{ type: 'text', text: 'look first' }] },
    ]);
    const page = await store.sessions.messages(session.id);
    expect(page.items.map((m) => m.id)).toEqual(ids);
    expect(page.items[0]?.content).toEqual([
      { type: 'text', text: 'why is the loader slow? \u0000 \ud83d 🐳' },
    ]);
    await store.sessions.appendMessages(session.id, [{ role: 'user', content: 'other way' }], {
      parent: ids[0] ?? null,
    });
    const branches = await store.sessions.branches(session.id);
    expect(branches.map((b) => [b.messageCount, b.current])).toEqual([
      [2, true],
      [2, false],
    ]);
    await store.sessions.setCurrent(session.id, ids[1] ?? '');
    const fork = await store.sessions.fork(session.id);
    expect((await store.sessions.messages(fork.id)).items).toHaveLength(2);
    expect(fork.parentId).toBe(session.id);
  });

  it('undoes everything when a transaction rejects, and refuses the outer store inside', async () => {
    const store = await tempStore();
    const failed = store.transaction(async (tx) => {
      await tx.sessions.create({ id: 'gone', workspace: '/w' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await expect(store.sessions.get('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const nested = store.transaction(() => store.sessions.create({ workspace: '/w' }));
    await expect(nested).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('lists in pages without gaps or repeats', async () => {
    let now = 1_700_000_000_000;
    const store = await tempStore({ clock: () => now++ });
    for (let i = 0; i < 25; i++) await store.sessions.create({ title: `s${i}`, workspace: '/w' });
    const titles: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof store.sessions.list>> = await store.sessions.list({
        limit: 7,
        cursor,
      });
      titles.push(...page.items.map((s) => s.title));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(titles).toEqual(Array.from({ length: 25 }, (_, i) => `s${24 - i}`));
  });

  it('gives two programs that go on with one session a branch each', async () => {
    const first = await tempStore();
    const second = await openStore({ path: first.path });
    onTestFinished(() => second.close());
    const { id } = await first.sessions.create({ workspace: '/w' });
    await first.sessions.appendMessages(id, [{ role: 'user', content: 'shared' }]);
    await second.sessions.messages(id);
    await first.sessions.appendMessages(id, [{ role: 'assistant', content: 'of the first' }]);
    await second.sessions.appendMessages(id, [{ role: 'assistant', content: 'of the second' }]);
    await first.sessions.appendMessages(id, [{ role: 'user', content: 'first again' }]);
    const branches = await first.sessions.branches(id);
    expect(branches.map((branch) => branch.messageCount)).toEqual([3, 2]);
    const texts = async (leaf: string | undefined) =>
      (await first.sessions.messages(id, leaf === undefined ? {} : { leaf })).items.map(
        (message) => (message.content as { text: string }[])[0]?.text,
      );
    expect(await texts(undefined)).toEqual(['shared', 'of the first', 'first again']);
    expect(await texts(branches[1]?.leaf)).toEqual(['shared', 'of the second']);
  });

  it('chains what one handle appends without waiting, in the order of the calls', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    const say = (content: string) => store.sessions.appendMessages(id, [{ role: 'user', content }]);
    const [[first = ''] = []] = await Promise.all(['a', 'b', 'c', 'd'].map(say));
    expect(await store.sessions.branches(id)).toMatchObject([{ messageCount: 4, current: true }]);
    expect((await textsOf(store, id)).join('')).toBe('abcd');
    // Also behind a move to another message that was not waited for.
    await Promise.all([store.sessions.setCurrent(id, first), say('e'), say('f')]);
    expect((await textsOf(store, id)).join('')).toBe('aef');
  });

  it('goes on from what stands when an append or its transaction failed', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    const say = (sessions: typeof store.sessions, content: string) =>
      sessions.appendMessages(id, [{ role: 'user', content }]);
    await say(store.sessions, 'a');
    const failed = store.transaction(async (tx) => {
      await Promise.all([say(tx.sessions, 'x'), say(tx.sessions, 'y')]);
      throw new Error('no');
    });
    const [outcome] = await Promise.allSettled([failed, say(store.sessions, 'b')]);
    expect(outcome.status).toBe('rejected');
    await store.transaction(async (tx) => {
      await say(tx.sessions, 'c');
      await say(tx.sessions, 'd');
    });
    await say(store.sessions, 'e');
    expect((await textsOf(store, id)).join('')).toBe('abcde');
    expect(await store.sessions.branches(id)).toHaveLength(1);
  });

  it('changes neither time nor version when nothing changes', async () => {
    let now = 1_700_000_000_000;
    const store = await tempStore({ clock: () => now });
    const created = await store.sessions.create({ title: 'a', workspace: '/w' });
    now += 60_000;
    const renamed = await store.sessions.rename(created.id, 'b');
    const archived = await store.sessions.archive(created.id);
    expect(archived.updatedAt).toBe(created.updatedAt);
    expect(renamed.updatedAt).toBe(created.updatedAt);
    const versions = () =>
      new Driver(store.path).prepare('select title_version, archive_version from sessions').get();
    const before = JSON.stringify(versions(), ['title_version', 'archive_version']);
    now += 60_000;
    expect((await store.sessions.archive(created.id)).archivedAt).toBe(archived.archivedAt);
    await store.sessions.rename(created.id, 'b');
    expect(JSON.stringify(versions(), ['title_version', 'archive_version'])).toBe(before);
  });

  it('reads a long conversation from its end, page by page', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    const ids = await store.sessions.appendMessages(
      id,
      Array.from({ length: 25 }, (_, i) => ({ role: 'user', content: `${i}` })),
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof store.sessions.messages>> =
        await store.sessions.messages(id, { limit: 10, cursor });
      seen.unshift(...page.items.map((message) => message.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });

  it('refuses what it cannot keep, and says which field', async () => {
    const store = await tempStore();
    const { id } = await store.sessions.create({ workspace: '/w' });
    const refused = { code: 'INVALID_INPUT' };
    await expect(store.sessions.rename(id, ' \u200b ')).rejects.toMatchObject(refused);
    const odd = store.sessions.create({ id: '../x', workspace: '/w' });
    await expect(odd).rejects.toMatchObject(refused);
    const fail = () => {
      throw new TypeError('of the caller');
    };
    const trap = new Proxy({ workspace: '/w' }, { get: fail, ownKeys: fail });
    await expect(store.sessions.create(trap)).rejects.toMatchObject(refused);
    // What was imported may have such an id.
    await expect(store.sessions.get('../x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const nan = [{ role: 'user', content: [{ type: 'text', at: Number.NaN }] }];
    await expect(store.sessions.appendMessages(id, nan)).rejects.toMatchObject(refused);
    await expect(
      store.sessions.appendMessages(id, [{ role: 'user', content: 'x' }], { parent: 'nobody' }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.sessions.list({ cursor: 'forged' })).rejects.toThrow(/cursor/);
    expect((await store.sessions.messages(id)).items).toEqual([]);
  });
});
