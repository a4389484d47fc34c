import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const at = (hour: number) => `2026-02-20T${hour}:00:00Z`;

/** A home with the session `s`, as it was at that hour. */
function homeWith(
  hour: number,
  texts: readonly string[],
  title = 't',
  home = tempFolder(),
): string {
  const session = {
    metadata: {
      ...{ id: 's', title, created_at: at(10), updated_at: at(hour), message_count: texts.length },
      ...{ total_tokens: 0, model: 'm', workspace: '/w' },
    },
    messages: texts.map((text) => ({ role: 'user', content: [{ type: 'text', text }] })),
  };
  mkdirSync(join(home, 'sessions'), { recursive: true });
  writeFileSync(join(home, 'sessions', 's.json'), JSON.stringify(session));
  return home;
}

/** The title of the session and the texts of its current branch, which it counts right. */
async function shown(store: Store): Promise<string[]> {
  const { items } = await store.sessions.messages('s');
  const session = await store.sessions.get('s');
  expect(session.messageCount).toBe(items.length);
  const texts = items.map(({ content }) => (content as { text: string }[])[0]?.text ?? '');
  return [session.title, ...texts];
}

describe('the conversation of an imported session', () => {
  it('is that of the newest file, whichever home comes last', async () => {
    const newer = homeWith(12, ['summary', 'third']);
    const older = homeWith(11, ['first', 'second', 'third', 'fourth'], 'old');
    for (const homes of [
      [newer, older],
      [older, newer],
    ]) {
      const store = await tempStore();
      for (const home of [...homes, ...homes]) await store.import([home]);
      expect(await shown(store)).toEqual(['t', 'summary', 'third']);
      expect((await store.sessions.branches('s')).length).toBe(2);
    }
  });

  it('keeps its length when an older copy comes with its beginning', async () => {
    const store = await tempStore();
    await store.import([homeWith(12, ['first', 'second', 'third']), homeWith(11, ['first'])]);
    expect(await shown(store)).toEqual(['t', 'first', 'second', 'third']);
  });

  it('is of the home that the rest of the session is of, where both are of one time', async () => {
    const store = await tempStore();
    const other = homeWith(12, ['of two'], 'two');
    await store.import([homeWith(12, ['of one'], 'one'), other]);
    expect(await shown(store)).toEqual(['one', 'of one']);
    homeWith(12, ['of two', 'more'], 'two', other);
    await store.import([other]);
    expect(await shown(store)).toEqual(['two', 'of two', 'more']);
  });

  it('follows a file that went back', async () => {
    const store = await tempStore();
    const home = homeWith(11, ['first', 'second', 'third']);
    await store.import([home]);
    homeWith(12, ['first'], 't', home);
    await store.import([home]);
    expect(await shown(store)).toEqual(['t', 'first']);
    homeWith(13, ['first', 'other'], 't', home);
    await store.import([home]);
    expect(await shown(store)).toEqual(['t', 'first', 'other']);
  });

  it('stays where somebody went in the store while the file only gets another name', async () => {
    const store = await tempStore();
    const home = homeWith(11, ['first', 'second']);
    await store.import([home]);
    const first = (await store.sessions.messages('s')).items[0]?.id ?? '';
    await store.sessions.setCurrent('s', first);
    homeWith(11, ['first', 'second'], 'renamed', home);
    await store.import([home]);
    expect(await shown(store)).toEqual(['renamed', 'first']);
  });

  it('goes on with the file though something else of the session was edited in the store', async () => {
    const store = await tempStore();
    const home = homeWith(11, ['first']);
    await store.import([home]);
    await store.sessions.update('s', { model: 'another' });
    homeWith(12, ['first', 'second'], 't', home);
    await store.import([home, homeWith(11, ['before that'])]);
    expect(await shown(store)).toEqual(['t', 'first', 'second']);
  });

  it('stays with what was said in the store since', async () => {
    const store = await tempStore();
    const home = homeWith(11, ['first']);
    await store.import([home]);
    await store.sessions.appendMessages('s', [
      { role: 'user', content: [{ type: 'text', text: 'here' }] },
    ]);
    homeWith(12, ['first', 'second', 'third'], 't', home);
    await store.import([home]);
    expect(await shown(store)).toEqual(['t', 'first', 'here']);
  });
});
