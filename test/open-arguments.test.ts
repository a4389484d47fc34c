import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore, rebuildStore, restoreStore } from '../src/index.ts';
import { tempFolder, tempStore } from './support/temp-store.ts';

it('what is no path is refused as such, and nothing is made of it', async () => {
  const folder = tempFolder();
  const named = (name: string) => join(folder, name);
  const invalid = { code: 'INVALID_INPUT' };
  const before = readdirSync('.');
  const addresses = [':memory:', `file:${folder}/a.db`, `FILE:a.db?mode=memory`];
  for (const path of [...addresses, named('a\ud800.db'), named('a\0.db'), '']) {
    await expect(openStore({ path }), path).rejects.toMatchObject(invalid);
    await expect(rebuildStore(path), path).rejects.toMatchObject(invalid);
    await expect(restoreStore(path, named('b.db')), path).rejects.toMatchObject(invalid);
  }
  expect(readdirSync(folder)).toEqual([]);
  expect(readdirSync('.')).toEqual(before);
  const store = await tempStore();
  await expect(store.backup(':memory:')).rejects.toMatchObject(invalid);
  await expect(openStore({ path: ':memory:' })).rejects.toThrow('give the path of a file');
});

it.each([-5, NaN, Infinity, 2 ** 48])(
  'a clock that says %d is told of, and writes nothing',
  async (bad) => {
    let now = 1;
    const store = await tempStore({ clock: () => now });
    const { id } = await store.tasks.create({ prompt: 'one', workspace: '/w' });
    now = bad;
    const refused = { code: 'INVALID_INPUT', message: expect.stringContaining('clock') as string };
    await expect(store.tasks.create({ prompt: 'two', workspace: '/w' })).rejects.toMatchObject(
      refused,
    );
    await expect(store.sessions.create({ workspace: '/w' })).rejects.toMatchObject(refused);
    const path = join(tempFolder(), 'new.db');
    await expect(openStore({ path, clock: () => bad })).rejects.toMatchObject(refused);
    now = 2;
    expect((await store.tasks.list()).items.map((task) => task.id)).toEqual([id]);
  },
);
