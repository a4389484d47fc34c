import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempStore } from '../support/temp-store.ts';

const found = async (store: Store, query: string) =>
  (await store.search(query)).items.map(({ id }) => id);

it('leaves deleted sessions and tasks out, and finds them again as they were changed meanwhile', async () => {
  const store = await tempStore();
  const session = await store.sessions.create({ title: 'apple', workspace: '/w', model: 'm' });
  const task = await store.tasks.create({ prompt: 'apple' });
  expect((await found(store, 'apple')).sort()).toEqual([session.id, task.id].sort());

  await store.sessions.delete(session.id);
  await store.tasks.delete(task.id);
  await store.sessions.rename(session.id, 'pear');
  await store.tasks.update(task.id, { prompt: 'pear' });
  expect(await found(store, 'apple')).toEqual([]);
  expect(await found(store, 'pear')).toEqual([]);
  expect((await store.check()).checks.filter(({ ok }) => !ok)).toEqual([]);

  await store.sessions.restore(session.id);
  expect(await found(store, 'pear')).toEqual([session.id]);
});
