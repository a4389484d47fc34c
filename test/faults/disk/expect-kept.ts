import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import type { Image } from './images.ts';
import { write } from './numbered-writes.mjs';
import { countOf, readNumbers } from './numbers.ts';

/** Where a recorded program has its store, from the root on. */
export const STORE = join('home', 'store', 'store.db');

/**
 * Opens what is left as a program would, and finds all that was promised, and nothing in part.
 *
 * @returns how many acknowledged writes are gone; with full durability never one
 */
export async function expectKept(
  { root, said }: Image,
  durability: 'full' | 'normal' = 'full',
): Promise<number> {
  const path = join(root, STORE);
  const acked = said.filter((line) => line.startsWith('ACK ')).length;
  const device = said.find((line) => line.startsWith('OPENED '))?.slice('OPENED '.length);
  const isPromised = device !== undefined && durability === 'full';
  if (isPromised) expect(existsSync(path)).toBe(true);
  const store = await openStore({ path });
  try {
    if (isPromised) expect((await store.sync.status()).deviceId).toBe(device);
    const count = countOf(await readNumbers(store));
    if (durability === 'full') expect(count).toBeGreaterThanOrEqual(acked);
    // One more may have been on its way.
    expect(count).toBeLessThanOrEqual(acked + 1);
    await expectSound(store);
    await expectUsable(store, count);
    return Math.max(0, acked - count);
  } finally {
    await store.close();
  }
}

/** No damage; what is derived may have to be made anew. @param except - names of checks */
export async function expectSound(store: Store, ...except: readonly string[]): Promise<void> {
  const wrong = async (look: 'check' | 'repair') =>
    (await store[look]()).checks.filter(({ ok, name }) => !ok && !except.includes(name));
  const found = await wrong('check');
  expect(found.filter(({ name }) => name !== 'search index')).toEqual([]);
  if (found.length > 0) expect(await wrong('repair')).toEqual([]);
}

async function expectUsable(store: Store, count: number): Promise<void> {
  const [known] = (await store.runtime.listThreads()).items;
  const thread = known ?? (await store.runtime.createThread({ workspace: '/w', model: 'm' }));
  await write(store, thread.id, count);
  expect(countOf(await readNumbers(store))).toBe(count + 1);
}
