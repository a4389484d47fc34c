import { expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { tempStore } from '../support/temp-store.ts';

const { signal } = new AbortController();

const WRONG: readonly unknown[] = [
  undefined,
  null,
  5,
  {},
  { signal: {} },
  { signal: null },
  { signal, onNotice: 5 },
  { signal, other: 1 },
];

it.each(WRONG)('watch(%j) is told what is wrong with it', async (options) => {
  const store = await tempStore();
  type Options = Parameters<Store['sync']['watch']>[0];
  await expect(store.sync.watch(options as Options).next()).rejects.toMatchObject({
    name: 'InvalidInputError',
    message: expect.stringMatching(/^watch/) as string,
  });
});

it.each([null, 5, { signal: {} }, { onProgress: 'x' }, { other: 1 }])(
  'now(%j) is told what is wrong with it',
  async (options) => {
    const store = await tempStore();
    type Options = Parameters<Store['sync']['now']>[0];
    await expect(store.sync.now(options as unknown as Options)).rejects.toMatchObject({
      name: 'InvalidInputError',
      message: expect.stringMatching(/^now/) as string,
    });
  },
);
