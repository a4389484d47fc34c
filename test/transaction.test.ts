import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { tempStore } from './support/temp-store.ts';

it('a call that rejects inside a transaction leaves nothing, and the transaction goes on', async () => {
  const store = await tempStore();
  const { id } = await store.runtime.createThread({ workspace: '/w' });
  const first = await store.runtime.startTurn(id);
  await store.runtime.saveItem(first.id, { id: 'item_taken', kind: 'agent_message' });
  await store.runtime.finishTurn(first.id, { status: 'completed' });
  const before = (await store.events.tail(id, 100)).items.length;

  const refused = await store.transaction(async (tx) => {
    await tx.tasks.create({ prompt: 'before', workspace: '/w' });
    const items = [
      { kind: 'agent_message', summary: 'new' },
      { id: 'item_taken', kind: 'agent_message' },
    ] as const;
    const half = tx.runtime.saveTurnWithItems(id, {
      turn: { id: 'turn_half', status: 'completed' },
      items: [...items],
    });
    // Nobody waits for the one before the other is asked for.
    const beside = tx.tasks.create({ prompt: 'beside', workspace: '/w' });
    const code = await half.then(
      () => 'saved',
      (error: unknown) => (error as { code: string }).code,
    );
    await beside;
    await expect(tx.runtime.getTurn('turn_half')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await tx.tasks.create({ prompt: 'after', workspace: '/w' });
    return code;
  });

  expect(refused).toBe('CONFLICT');
  expect((await store.runtime.listTurns(id)).items.map((turn) => turn.id)).toEqual([first.id]);
  expect((await store.events.tail(id, 100)).items).toHaveLength(before);
  const prompts = (await store.tasks.list()).items.map(({ prompt }) => prompt).sort();
  expect(prompts).toEqual(['after', 'before', 'beside']);
  expect((await store.check()).ok).toBe(true);
});

it('what a transaction began and did not wait for may use the store once it is over', async () => {
  const store = await tempStore();
  let inside: Promise<unknown> = Promise.resolve();
  let later: Promise<unknown> = Promise.resolve();
  let over: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (over = resolve));
  await store.transaction(async (tx) => {
    await tx.tasks.create({ prompt: 'one', workspace: '/w' });
    inside = wait(1).then(() => store.tasks.list());
    later = ended.then(() => store.tasks.create({ prompt: 'two', workspace: '/w' }));
    await expect(inside).rejects.toMatchObject({ code: 'CONFLICT' });
  });
  over();
  await later;
  expect((await store.tasks.list()).items).toHaveLength(2);
});

it('a store that is closed inside its transaction goes on with all that it does', async () => {
  const store = await tempStore();
  const { id } = await store.runtime.createThread({ workspace: '/w' });
  const leave = new AbortController();
  const next = store.events.follow(id, 0, { signal: leave.signal }).next();
  await store.transaction(async () => {
    await expect(store.close()).rejects.toMatchObject({ code: 'CONFLICT' });
  });
  await store.events.append(id, [{ type: 'note', payload: null }]);
  expect(await next).toMatchObject({ done: false, value: { type: 'note' } });
  leave.abort();
});
