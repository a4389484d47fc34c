import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempStore } from '../support/temp-store.ts';

type Given = { key: unknown };

interface Call {
  /** The id of what the call is about, where there has to be something. */
  readonly owner?: (store: Store) => Promise<{ id: string }>;
  readonly make: (store: Store, given: Given, owner: string) => Promise<unknown>;
  readonly kept: (store: Store, id: string) => Promise<unknown>;
}

const CALLS: Readonly<Record<string, Call>> = {
  'sessions.create': {
    make: ({ sessions }, details) => sessions.create({ id: 's', workspace: '/w', details }),
    kept: async ({ sessions }) => (await sessions.get('s')).details,
  },
  'tasks.create': {
    make: ({ tasks }, details) => tasks.create({ id: 't', prompt: 'p', details }),
    kept: async ({ tasks }) => (await tasks.get('t')).details,
  },
  'audit.append': {
    make: ({ audit }, details) => audit.append({ event: 'e', details }),
    kept: async ({ audit }) => (await audit.list()).items[0]?.details,
  },
  'checkpoints.save': {
    owner: ({ sessions }) => sessions.create({ workspace: '/w' }),
    make: ({ checkpoints }, state, owner) => checkpoints.save(owner, state),
    kept: ({ checkpoints }, owner) => checkpoints.load(owner),
  },
  'threads.saveCheckpoint': {
    owner: ({ threads }) => threads.upsert({ id: 't', cwd: '/w', modelProvider: 'p', preview: '' }),
    make: ({ threads }, state, owner) => threads.saveCheckpoint(owner, 'latest', state),
    kept: async ({ threads }, owner) => (await threads.loadCheckpoint(owner, 'latest'))?.state,
  },
  'runtime.saveItem': {
    owner: async ({ runtime }) =>
      runtime.startTurn((await runtime.createThread({ workspace: '/w' })).id),
    make: ({ runtime }, metadata, owner) =>
      runtime.saveItem(owner, { id: 'i', kind: 'tool_call', metadata }),
    kept: async ({ runtime }) => (await runtime.getItem('i')).metadata,
  },
};

it.each(Object.entries(CALLS))('%s keeps what it was given at the call', async (_, call) => {
  const store = await tempStore();
  const owner = (await call.owner?.(store))?.id ?? '';
  const given: Given = { key: { deep: ['now'] } };
  const made = call.make(store, given, owner);
  given.key = 'later';
  await made;
  expect(await call.kept(store, owner)).toEqual({ key: { deep: ['now'] } });
});
