import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempFolder, tempStore } from '../support/temp-store.ts';

it('one body that is no JSON any more keeps nothing else from being found', async () => {
  const whole = await tempStore();
  const { id } = await whole.sessions.create({ title: 'S', workspace: '/w' });
  const texts = ['hello one', 'hello two', 'hello three'];
  await whole.sessions.appendMessages(
    id,
    texts.map((content) => ({ role: 'user' as const, content })),
  );
  const path = join(tempFolder(), 'store.db');
  await whole.backup(path);
  // The pages stay sound.
  const bytes = readFileSync(path, 'latin1').replaceAll('"hello two', '"hello\u0001two');
  writeFileSync(path, bytes, 'latin1');

  const store = await tempStore({ path });
  await expect(store.repair()).resolves.toMatchObject({ ok: false });
  expect((await store.search('hello')).items).toHaveLength(2);
  const contents = (await store.check()).checks.find(({ name }) => name === 'contents');
  expect(contents?.ok).toBe(false);
});
