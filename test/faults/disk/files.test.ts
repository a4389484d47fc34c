import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import type { Random } from '../../simulation/random.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { seeded } from '../sync/seed.ts';
import { Disk } from './disk.ts';
import { expectSound, STORE } from './expect-kept.ts';
import { eachImage } from './images.ts';
import { write } from './numbered-writes.mjs';
import { countOf, readNumbers } from './numbers.ts';
import { record } from './record.ts';
import type { TracedEvent } from './trace.ts';

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A store with so many writes in the place where the recorded programs expect it. */
async function makeStore(root: string, writes: number): Promise<Store> {
  const store = await openStore({ path: join(root, STORE) });
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm' });
  for (let n = 0; n < writes; n++) await write(store, thread.id, n);
  mkdirSync(join(root, 'copies'));
  return store;
}

async function recordFiles(
  root: string,
  random: Random,
  what: string,
): Promise<{ disk: Disk; events: readonly TracedEvent[] }> {
  const disk = new Disk(root, random);
  const args = [program('files-writer.mjs'), await builtLibrary(), root, what];
  return { disk, events: await record(root, args) };
}

/** How many writes a file holds that must be a whole store; it is left as it is. */
async function writesIn(file: string): Promise<number> {
  const copy = join(tempFolder(), 'store.db');
  for (const suffix of ['', '-wal']) {
    if (existsSync(file + suffix)) cpSync(file + suffix, copy + suffix);
  }
  const store = await openStore({ path: copy });
  try {
    await expectSound(store, 'permissions');
    return countOf(await readNumbers(store));
  } finally {
    await store.close();
  }
}

describe('after a power cut', () => {
  it('what has the name of a backup is a whole one, and is there when it was said to be', async () => {
    const random = seeded('power cuts of a backup');
    const root = tempFolder();
    const disk = new Disk(root, random);
    const jobs = ['9', 'backup', '3'];
    const events = await record(root, [
      ...[program('writer.mjs'), await builtLibrary(), join(root, STORE), 'full', ...jobs],
    ]);
    let copies = 0;
    await eachImage(events, disk, { count: 16, random }, async (image) => {
      const file = join(image.root, dirname(STORE), 'backup.db');
      if (image.said.includes('DONE backup')) expect(existsSync(file)).toBe(true);
      if (!existsSync(file)) return;
      copies++;
      expect(await writesIn(file)).toBe(9);
    });
    expect(copies).toBeGreaterThan(0);
  });

  it('a restore has happened or not, and what it replaced is kept', async () => {
    const random = seeded('power cuts of a restore');
    const root = tempFolder();
    const store = await makeStore(root, 5);
    await store.backup(join(root, 'copies', 'backup.db'));
    const [thread] = (await store.runtime.listThreads()).items;
    for (let n = 5; n < 8; n++) await write(store, thread?.id ?? '', n);
    await store.close();
    const { disk, events } = await recordFiles(root, random, 'restore');
    const found = { former: 0, restored: 0 };
    await eachImage(events, disk, { count: 24, random }, async (image) => {
      const path = join(image.root, STORE);
      expect(existsSync(path)).toBe(true);
      const writes = await writesIn(path);
      const done = image.said.find((line) => line.startsWith('DONE restore '));
      expect(writes === 5 || (writes === 8 && done === undefined)).toBe(true);
      found[writes === 5 ? 'restored' : 'former']++;
      if (writes === 8) return;
      const kept = readdirSync(dirname(path)).filter((name) => /\.replaced-[^-]*$/.test(name));
      expect(kept).toHaveLength(1);
      if (done !== undefined) expect(kept).toEqual([basename(done)]);
      expect(await writesIn(join(dirname(path), kept[0] ?? ''))).toBe(8);
    });
    expect(Math.min(found.former, found.restored)).toBeGreaterThan(0);
  });

  it('keys and tokens of a hub are there, whole, and the same as before', async () => {
    const random = seeded('power cuts of a hub that is set up');
    const root = tempFolder();
    const { disk, events } = await recordFiles(root, random, 'hub');
    const files = ['jwt-private.pem', 'jwt-public.key', 'admin.key', '.env', 'tokens/hub.jwt'];
    await eachImage(events, disk, { count: 24, random }, (image) => {
      const promised = image.said.includes('DONE init') ? files : [];
      if (image.said.some((line) => line.startsWith('DONE token')))
        promised.push('tokens/laptop.jwt');
      for (const name of promised)
        expect(existsSync(join(image.root, 'hub', name)), name).toBe(true);
      for (const name of [...files, 'tokens/laptop.jwt']) {
        const file = join(image.root, 'hub', name);
        if (!existsSync(file)) continue;
        // Whole, or the token before the last.
        expect(statSync(file).size).toBe(statSync(join(root, 'hub', name)).size);
        if (!name.includes('laptop')) {
          expect(readFileSync(file)).toEqual(readFileSync(join(root, 'hub', name)));
        }
      }
      return Promise.resolve();
    });
  });

  it('an export that was said to be done is there', async () => {
    const random = seeded('power cuts of an export');
    const root = tempFolder();
    await makeStore(root, 12).then((store) => store.close());
    const { disk, events } = await recordFiles(root, random, 'export');
    const exported = readdirSync(join(root, 'exported'), { recursive: true, encoding: 'utf8' });
    expect(exported.length).toBeGreaterThan(8);
    let done = 0;
    await eachImage(events, disk, { count: 12, random }, (image) => {
      if (!image.said.includes('DONE export')) return Promise.resolve();
      done++;
      for (const name of exported) {
        const [wanted, found] = [join(root, 'exported', name), join(image.root, 'exported', name)];
        if (statSync(wanted).isFile()) expect(readFileSync(found)).toEqual(readFileSync(wanted));
      }
      return Promise.resolve();
    });
    expect(done).toBeGreaterThan(0);
  });
});
