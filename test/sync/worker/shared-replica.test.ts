import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { openStore as open } from '../../../src/index.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { spoilCopying } from '../../support/copying-proxy.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder, tempStore } from '../../support/temp-store.ts';

const ROUNDS = 4;
const MESSAGES = 300;

/** A hub with a session of {@link MESSAGES} messages, and the store that wrote them. */
async function setup() {
  const sqld = await startSqld();
  const writer = await tempStore();
  const { id } = await writer.sessions.create({ title: 'one', workspace: '/w' });
  const append = async () => {
    const contents = Array.from({ length: MESSAGES }, (_, i) => `${i} `.repeat(200));
    const messages = contents.map((content) => ({ role: 'user' as const, content }));
    await writer.sessions.appendMessages(id, messages);
    await writer.sync.now();
  };
  await writer.sync.enable(sqld.url, { name: 'writer', encryption: false, pull: 'http' });
  await append();
  return { sqld, id, append };
}

/** A store whose copy of the hub is damaged before it reads on. */
async function readWithDamage(
  url: string,
  append: () => Promise<void>,
  before: () => void = () => undefined,
) {
  const { path, sync, sessions } = await tempStore();
  await sync.enable(url, { name: 'reader', encryption: false, pull: 'replica' });
  await sync.now();
  const copy = join(dirname(path), 'hub-replica.db');
  for (const file of [copy, `${copy}-wal`]) {
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0x5a, Math.floor((bytes.length * 3) / 4)));
  }
  await append();
  before();
  await sync.now();
  const messages = async () => {
    const [session] = (await sessions.list()).items;
    return (await sessions.messages(String(session?.id), { limit: 1000 })).items;
  };
  return { sync, messages };
}

it('a worker and single exchanges share the copy of the hub, and no exchange fails for it', async () => {
  const { openStore } = (await import(await builtLibrary())) as { openStore: typeof open };
  const { sqld, id } = await setup();
  for (let round = 0; round < ROUNDS; round++) {
    const store = await openStore({ path: join(tempFolder(), 'store.db') });
    try {
      await store.sync.start();
      const name = `reader ${round}`;
      await store.sync.enable(sqld.url, { name, encryption: false, pull: 'replica' });
      // The worker wakes at the same moment, and both begin with the whole copy.
      await Promise.all([store.sync.now(), store.sync.now(), store.sync.now()]);
      expect((await store.sessions.messages(id, { limit: 1000 })).items).toHaveLength(MESSAGES);
      expect((await store.sync.status()).lastError).toBeNull();
    } finally {
      await store.close();
    }
  }
}, 120_000);

describe('a copy of the hub that shows its damage while it is read', () => {
  it('is made anew at once, and there is nothing to tell', async () => {
    const { sqld, append } = await setup();
    const reader = await readWithDamage(sqld.url, append);
    expect(await reader.messages()).toHaveLength(2 * MESSAGES);
    expect((await reader.sync.status()).lastError).toBeNull();
  });

  it('is told of where it cannot be made anew; the exchange goes on over HTTP', async () => {
    const { sqld, append } = await setup();
    const proxy = await spoilCopying(sqld.url, 'not from the beginning');
    proxy.calm();
    const reader = await readWithDamage(proxy.url, append, () => {
      proxy.spoil();
    });
    expect(proxy.spoilt()).toBeGreaterThan(0);
    expect(await reader.messages()).toHaveLength(2 * MESSAGES);
    const { lastError } = await reader.sync.status();
    expect(lastError?.message).toContain('; what it was for was read over HTTP');

    proxy.calm();
    await append();
    await reader.sync.now();
    expect(await reader.messages()).toHaveLength(3 * MESSAGES);
    expect((await reader.sync.status()).lastError).toBeNull();
  });
});
