import { describe, expect, it } from 'vitest';
import { tempStore } from './support/temp-store.ts';

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
});
