import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../../src/index.ts';
import type { Random } from '../../simulation/random.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { compareStores } from '../../support/compare-stores.ts';
import { legacyHome } from '../../support/legacy-home.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { seeded } from '../sync/seed.ts';
import { Disk } from './disk.ts';
import { expectKept, expectSound, STORE } from './expect-kept.ts';
import { eachImage } from './images.ts';
import { record } from './record.ts';
import type { TracedEvent } from './trace.ts';

const WRITER = fileURLToPath(new URL('writer.mjs', import.meta.url));
/** A store as version 0.1.0 left it. */
const GOLDEN = new URL('../../db/store-v1.db.gz', import.meta.url);

interface Recording {
  readonly root: string;
  readonly disk: Disk;
  readonly events: readonly TracedEvent[];
}

async function recordWriter(
  random: Random,
  durability: 'full' | 'normal',
  jobs: readonly string[],
  prepare?: (path: string) => void,
): Promise<Recording> {
  const root = tempFolder();
  const path = join(root, STORE);
  prepare?.(path);
  const disk = new Disk(root, random);
  const events = await record(root, [WRITER, await builtLibrary(), path, durability, ...jobs]);
  return { root, disk, events };
}

/** How often pages of the log were copied into the store between two lines of the program. */
function checkpoints({ events, root }: Recording, before: string): number {
  const end = events.findIndex(({ event }) => event.kind === 'said' && event.text === before);
  const ofStore = events.slice(0, end).map(({ event }) => {
    return event.kind === 'sync-end' && event.path === join(root, STORE);
  });
  return ofStore.filter(Boolean).length;
}

/** The copy that an upgrade keeps. */
function formerOf(path: string): string {
  const names = readdirSync(dirname(path)).filter((name) => /\.before-v\d+$/.test(name));
  expect(names).toHaveLength(1);
  return join(dirname(path), names[0] ?? '');
}

describe('after a power cut', () => {
  it('a new store is there, and what was written into it', async () => {
    const random = seeded('power cuts of a new store');
    const { events, disk } = await recordWriter(random, 'full', ['24']);
    await eachImage(events, disk, { count: 40, random }, async (image) => {
      await expectKept(image);
    });
  });

  it('every acknowledged write is there, whole', async () => {
    const random = seeded('power cuts');
    const jobs = ['100', 'reopen', '12', 'vacuum', '12', 'repair', '4'];
    const recording = await recordWriter(random, 'full', jobs);
    // The one that makes the file, and those of the log when it was long enough.
    expect(checkpoints(recording, 'ACK 99')).toBeGreaterThan(1);
    const { events, disk } = recording;
    await eachImage(events, disk, { count: 50, random }, async (image) => {
      await expectKept(image);
    });
  });

  it('with durability "normal" the last writes may be gone, and nothing else', async () => {
    const random = seeded('power cuts with durability "normal"');
    const recording = await recordWriter(random, 'normal', ['100', 'reopen', '12', 'vacuum', '8']);
    expect(checkpoints(recording, 'ACK 99')).toBeGreaterThan(1);
    const { events, disk } = recording;
    let lost = 0;
    await eachImage(events, disk, { count: 40, random }, async (image) => {
      lost += await expectKept(image, 'normal');
    });
    // The cuts do what they are for.
    expect(lost).toBeGreaterThan(0);
  });

  it('a store of an earlier version is the former or the new one, and its copy is whole', async () => {
    const random = seeded('power cuts of an upgrade');
    const before = gunzipSync(readFileSync(GOLDEN));
    const place = (path: string) => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, before, { mode: 0o600 });
    };
    const whole = join(tempFolder(), 'store.db');
    place(whole);
    await openStore({ path: whole }).then((store) => store.close());
    const { events, disk } = await recordWriter(random, 'full', [], place);
    let upgraded = 0;
    await eachImage(events, disk, { count: 24, random }, async ({ root, said }) => {
      const path = join(root, STORE);
      const store = await openStore({ path });
      // A task of the golden store is overdue.
      await expectSound(store, 'leases');
      await store.close();
      expect(compareStores(path, whole)).toEqual([]);
      if (!said.some((line) => line.startsWith('OPENED'))) return;
      upgraded++;
      const kept = join(tempFolder(), 'store.db');
      writeFileSync(kept, readFileSync(formerOf(path)), { mode: 0o600 });
      await openStore({ path: kept }).then((former) => former.close());
      expect(compareStores(kept, whole)).toEqual([]);
    });
    expect(upgraded).toBeGreaterThan(0);
  });

  it('an import is there, or can be begun anew', async () => {
    const random = seeded('power cuts of an import');
    const { home } = legacyHome('--seed', '7', '--sessions', '4', '--turns', '2', '--events', '40');
    const whole = join(tempFolder(), 'store.db');
    const reference = await openStore({ path: whole });
    await reference.import([home]);
    await reference.close();
    // A program that reads all the while: no checkpoint gets past it.
    const jobs = ['reopen', 'hold', `import=${home}`];
    const { events, disk } = await recordWriter(random, 'full', jobs);
    let done = 0;
    await eachImage(events, disk, { count: 16, random }, async ({ root, said }) => {
      const path = join(root, STORE);
      const store = await openStore({ path });
      if (said.includes('DONE import')) done++;
      else await store.import([home]);
      await expectSound(store);
      await store.close();
      expect(compareStores(path, whole)).toEqual([]);
    });
    expect(done).toBeGreaterThan(0);
  });
});
