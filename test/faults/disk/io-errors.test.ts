import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../../src/index.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { debianTool } from '../../support/debian-tool.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { rounds, seeded } from '../sync/seed.ts';
import { Disk } from './disk.ts';
import { expectSound, STORE } from './expect-kept.ts';
import { eachImage } from './images.ts';
import { readNumbers } from './numbers.ts';
import { record } from './record.ts';

const WRITER = fileURLToPath(new URL('io-errors-writer.mjs', import.meta.url));
const EIO = 5;
/** Of a read. With EIO, SQLite says that the file is damaged. */
const ETIMEDOUT = 110;
const REFUSALS = rounds(6);

/** The environment in which calls of the C library fail at random with an error of the disk. */
async function failing(
  faults: Readonly<Record<string, number>>,
  errno: number,
): Promise<NodeJS.ProcessEnv> {
  const posix = await debianTool('fiu');
  const enable = Object.entries(faults).map(
    ([name, probability]) =>
      `enable_random name=posix/io/${name},probability=${probability},failinfo=${errno}`,
  );
  return {
    ...process.env,
    LD_LIBRARY_PATH: join(dirname(posix), '..'),
    LD_PRELOAD: `${join(dirname(posix), 'fiu_run_preload.so')} ${posix}`,
    FIU_ENABLE: enable.join('\n'),
  };
}

/** Returns the thread that is written to. */
async function newStore(path: string): Promise<string> {
  const store = await openStore({ path });
  const { id } = await store.runtime.createThread({ workspace: '/w', model: 'm' });
  await store.close();
  return id;
}

interface Outcome {
  readonly acked: readonly number[];
  readonly refused: ReadonlyMap<number, string>;
}

function outcomeOf(said: readonly string[]): Outcome {
  const words = said.map((line) => line.split(' '));
  const acked = words.flatMap(([word, n]) => (word === 'ACK' ? [Number(n)] : []));
  const refused = words.flatMap(([word, n, code]) =>
    word === 'REFUSED' && n !== 'open' ? [[Number(n), code ?? ''] as const] : [],
  );
  return { acked, refused: new Map(refused) };
}

/** Everything acknowledged is there, whole; of what was refused, all or nothing of each write. */
async function expectHonest(path: string, { acked, refused }: Outcome): Promise<void> {
  const store = await openStore({ path });
  try {
    const found = new Set(await readNumbers(store));
    expect(acked.filter((n) => !found.has(n))).toEqual([]);
    const told = new Set([...acked, ...refused.keys(), acked.length + refused.size]);
    expect([...found].filter((n) => !told.has(n))).toEqual([]);
    await expectSound(store);
  } finally {
    await store.close();
  }
}

async function runWriter(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ out: string; errors: string }> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ran = { out: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ran.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ran.errors += text));
  await once(child, 'close');
  return ran;
}

describe('while the disk fails now and then', () => {
  it.each([
    ['syncs', { 'sync/fsync': 0.1, 'sync/fdatasync': 0.1 }, EIO],
    ['writes', { 'rw/pwrite': 0.01 }, EIO],
    ['reads', { 'rw/pread': 0.03 }, ETIMEDOUT],
  ] as const)('nothing is acknowledged that is not there: %s', async (_name, faults, errno) => {
    const path = join(tempFolder(), STORE);
    const thread = await newStore(path);
    const args = [WRITER, await builtLibrary(), path, thread, String(REFUSALS)];
    const env = await failing(faults, errno);
    let ran = await runWriter(args, env);
    // Now and then Node cannot even load the driver, or no write gets through: that proves nothing.
    for (let i = 0; i < 10 && !ran.out.includes('ACK '); i++) ran = await runWriter(args, env);
    const said = ran.out.trimEnd().split('\n');
    expect(said.at(-1), ran.errors).toBe('END');
    // A store may also be refused as a whole, by an error of its own.
    expect(said.filter((line) => line.endsWith(' undefined'))).toEqual([]);
    const outcome = outcomeOf(said);
    expect(outcome.acked.length).toBeGreaterThan(0);
    expect(outcome.refused.size).toBe(REFUSALS);
    for (const code of outcome.refused.values()) expect(code).toBe('DISK_ERROR');
    await expectHonest(path, outcome);
  });

  it('a sync that failed is not taken for done later, also after a power cut', async () => {
    const random = seeded('failed syncs');
    const root = tempFolder();
    const thread = await newStore(join(root, STORE));
    const disk = new Disk(root, random);
    // Each seventh sync fails; the model then loses some of what was to be synced, for good.
    const faults = ['fsync:error=EIO:when=7+7', 'fdatasync:error=EIO:when=7+7'];
    const program = [WRITER, await builtLibrary(), join(root, STORE), thread, '6'];
    const events = await record(root, program, faults);
    const failed = events.filter(({ event }) => event.kind === 'sync-end' && !event.ok);
    expect(failed.length).toBeGreaterThan(3);
    await eachImage(events, disk, { count: 20, random }, async ({ root: left, said }) => {
      await expectHonest(join(left, STORE), outcomeOf(said));
    });
  });
});
