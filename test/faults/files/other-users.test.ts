import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtLibrary } from '../../support/built-library.ts';
import { openStore } from '../../../src/index.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { bytesOf } from './damage.ts';

const CHILD = fileURLToPath(new URL('other-user.mjs', import.meta.url));
const NOBODY = 65_534;

interface Told {
  readonly uid: number;
  readonly opened: unknown;
  readonly read?: unknown;
  readonly write?: unknown;
  readonly rebuilt?: unknown;
}

/** A store that can be reached by any user, closed, with one session. */
async function reachable(): Promise<string> {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  const path = join(folder, 'store', 'store.db');
  const store = await openStore({ path });
  await store.sessions.create({ title: 'kept', workspace: '/w' });
  await store.close();
  // As another program has left it, that closes its files when it ends.
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  return path;
}

/** What a process of another user says of the store; it has no rights that the modes do not give. */
async function asNobody(path: string, readOnly: boolean): Promise<Told> {
  const args = [CHILD, await readableLibrary(), path, String(readOnly), String(NOBODY)];
  const out = execFileSync(process.execPath, args, { encoding: 'utf8' });
  const told = JSON.parse(out) as Told;
  expect(told.uid).toBe(NOBODY);
  return told;
}

/** The library where other users can read it; opening a store reads the migrations beside it. */
async function readableLibrary(): Promise<string> {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  const built = join(fileURLToPath(await builtLibrary()), '..', '..');
  for (const name of ['dist', 'migrations', 'package.json', 'node_modules']) {
    cpSync(join(built, name), join(folder, name), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  return pathToFileURL(join(folder, 'dist', 'index.js')).href;
}

// Row 25 of the fault matrix. Root may do everything, so a child of another user tries.
describe('a store that this user may not write', () => {
  it('is refused for writing with a clear error, and read where the modes allow it', async () => {
    const path = await reachable();
    chownSync(dirname(path), NOBODY, NOBODY);
    chmodSync(path, 0o444);
    const before = bytesOf(path);
    const writing = await asNobody(path, false);
    expect(writing.opened).toMatchObject({ code: 'READ_ONLY' });
    const reading = await asNobody(path, true);
    expect(reading).toMatchObject({ opened: 'opened', read: 1, write: { code: 'READ_ONLY' } });
    expect(bytesOf(path)).toEqual(before);
  });

  it('is refused when it belongs to somebody else, with a typed error', async () => {
    const path = await reachable();
    chmodSync(dirname(path), 0o755);
    const before = bytesOf(path);
    for (const readOnly of [true, false]) {
      const { opened } = await asNobody(path, readOnly);
      const message = expect.stringContaining('cannot be read by this user') as string;
      const hint = expect.stringContaining('chmod 600') as string;
      expect(opened).toMatchObject({ code: 'STORE_PATH', message, hint });
    }
    expect((await asNobody(path, false)).rebuilt).toMatchObject({ code: 'READ_ONLY' });
    expect(bytesOf(path)).toEqual(before);
  });

  it('is refused when its folder cannot be looked into', async () => {
    const path = await reachable();
    for (const readOnly of [true, false]) {
      expect((await asNobody(path, readOnly)).opened).toMatchObject({ code: 'STORE_PATH' });
    }
  });

  it('in a folder that cannot be written is refused for reading too, and says why', async () => {
    const path = await reachable();
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o644);
    const reading = await asNobody(path, true);
    expect(reading.opened).toMatchObject({ code: 'STORE_PATH' });
    expect(existsSync(`${path}-shm`)).toBe(false);
    // While somebody who may write has it open, everything that is needed is there.
    const writing = await asNobody(path, false);
    expect(writing.opened).toHaveProperty('code');
  });

  it('cannot be made in a folder of somebody else', async () => {
    const folder = tempFolder();
    chmodSync(folder, 0o755);
    const path = join(folder, 'store.db');
    expect((await asNobody(path, false)).opened).toMatchObject({ code: 'STORE_PATH' });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.creating`)).toBe(false);
  });
});

it('a store on a medium that is read-only is read', async () => {
  const path = await reachable();
  const mount = join(tempFolder(), 'mount');
  mkdirSync(mount);
  cpSync(path, join(dirname(mount), 'store.db'));
  const script = `mount -t tmpfs tmpfs "$1" && cp "$1/../store.db" "$1" && mount -o remount,ro "$1" &&
    exec "$2" "$3" "$4" "$1/store.db" true`;
  const out = execFileSync(
    'unshare',
    ['-rm', 'sh', '-c', script, 'sh', mount, process.execPath, CHILD, await builtLibrary()],
    { encoding: 'utf8' },
  );
  expect(JSON.parse(out)).toMatchObject({
    opened: 'opened',
    read: 1,
    write: { code: 'READ_ONLY' },
  });
});
