import { expect, it } from 'vitest';
import { ID_KINDS } from '../../src/areas/resolve-id.ts';
import { tempStore } from '../support/temp-store.ts';

it('a purged session makes no beginning ambiguous, and is still found by its whole id', async () => {
  const store = await tempStore();
  for (const id of ['abc-1', 'abc-2']) await store.sessions.create({ id, workspace: '/w' });
  await store.purge('abc-1');
  expect(await store.resolveId('session', 'abc')).toBe('abc-2');
  expect(await store.resolveId('session', 'abc-1')).toBe('abc-1');
  await store.purge('abc-2');
  await expect(store.resolveId('session', 'abc')).rejects.toMatchObject({ code: 'AMBIGUOUS_ID' });
});

it.each(ID_KINDS)('a beginning of no %s is told', async (kind) => {
  const store = await tempStore();
  await expect(store.resolveId(kind, 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it.each([undefined, null, 5, {}, [], Symbol('x')])(
  '%s is no beginning of an id',
  async (prefix) => {
    const store = await tempStore();
    await expect(store.resolveId('session', prefix as string)).rejects.toMatchObject({
      name: 'InvalidInputError',
    });
  },
);
