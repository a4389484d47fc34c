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

it('ranks the latest 5,000 of more matches, of those that are asked for and can be seen', async () => {
  const store = await tempStore({ durability: 'normal' });
  const task = await store.tasks.create({ prompt: 'apple apple apple' });
  const { id } = await store.sessions.create({ title: 'fruit', workspace: '/w', model: 'm' });
  const say = (content: string) => ({ role: 'user', content });
  await store.sessions.appendMessages(
    id,
    Array<ReturnType<typeof say>>(2500).fill(say('an apple a day')),
  );
  const [best] = await store.sessions.appendMessages(id, [say('apple apple')]);
  expect((await found(store, 'apple'))[0]).toBe(task.id);

  await store.sessions.appendMessages(
    id,
    Array<ReturnType<typeof say>>(2499).fill(say('an apple a day')),
  );
  expect((await found(store, 'apple'))[0]).toBe(best);
  expect(await found(store, 'apple')).not.toContain(task.id);
  expect((await store.search('apple', { kind: 'task' })).items).toHaveLength(1);
  await store.sessions.delete(id);
  expect(await found(store, 'apple')).toEqual([task.id]);
});
