import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempStore } from '../support/temp-store.ts';

type Given = { key: unknown };

const item = { kind: 'tool_call', summary: 's' } as const;

/** What is called with an object of the caller's, and what is kept of that. */
const CALLS: readonly [string, (store: Store, given: Given) => Promise<() => Promise<unknown>>][] =
  [
    [
      'sessions.create',
      async ({ sessions }, details) => {
        const made = sessions.create({ workspace: '/w', details });
        details.key = 'later';
        const { id } = await made;
        return async () => (await sessions.get(id)).details;
      },
    ],
    [
      'tasks.create',
      async ({ tasks }, details) => {
        const made = tasks.create({ prompt: 'p', details });
        details.key = 'later';
        const { id } = await made;
        return async () => (await tasks.get(id)).details;
      },
    ],
    [
      'audit.append',
      async ({ audit }, details) => {
        const made = audit.append({ event: 'e', details });
        details.key = 'later';
        await made;
        return async () => (await audit.list()).items[0]?.details;
      },
    ],
    [
      'checkpoints.save',
      async ({ checkpoints, sessions }, state) => {
        const { id } = await sessions.create({ workspace: '/w' });
        const made = checkpoints.save(id, state);
        state.key = 'later';
        await made;
        return () => checkpoints.load(id);
      },
    ],
    [
      'threads.saveCheckpoint',
      async ({ threads }, state) => {
        await threads.upsert({ id: 't', cwd: '/w', modelProvider: 'p', preview: '' });
        const made = threads.saveCheckpoint('t', 'latest', state);
        state.key = 'later';
        await made;
        return async () => (await threads.loadCheckpoint('t', 'latest'))?.state;
      },
    ],
    [
      'runtime.saveItem',
      async ({ runtime }, metadata) => {
        const thread = await runtime.createThread({ workspace: '/w' });
        const turn = await runtime.startTurn(thread.id);
        const made = runtime.saveItem(turn.id, { ...item, metadata });
        metadata.key = 'later';
        const { id } = await made;
        return async () => (await runtime.getItem(id)).metadata;
      },
    ],
  ];

it.each(CALLS)('%s keeps what it was given at the call', async (_, call) => {
  const store = await tempStore();
  const given: Given = { key: { deep: ['now'] } };
  const kept = await call(store, given);
  expect(await kept()).toEqual({ key: { deep: ['now'] } });
});
