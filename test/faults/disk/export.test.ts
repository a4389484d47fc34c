import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openStore } from '../../../src/index.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { tempFolder } from '../../support/temp-store.ts';

const CHILD = fileURLToPath(new URL('export-child.mjs', import.meta.url));
const FORMATS = ['legacy', 'jsonl', 'markdown'];

/** Text that does not compress. */
const noise = () =>
  Array.from({ length: 20_000 }, () => Math.random().toString(36).slice(2)).join(' ');

it('an export onto a full, a read-only or a vanished disk fails with a typed error', async () => {
  const [folder, disks] = [tempFolder(), tempFolder()];
  const path = join(folder, 'store.db');
  const store = await openStore({ path });
  const { id } = await store.sessions.create({ title: 'long', workspace: '/w' });
  for (let i = 0; i < 6; i++) {
    await store.sessions.appendMessages(id, [{ role: 'user', content: noise() }]);
  }
  await store.sessions.create({ title: 'second', workspace: '/w' });
  await store.tasks.create({ prompt: 'p' });
  await store.close();
  for (const name of ['small', 'ro']) mkdirSync(join(disks, name));
  const script = `mount -t tmpfs -o size=1m tmpfs "$1/small" && mount -t tmpfs -o ro tmpfs "$1/ro" &&
    exec "$2" "$3" "$4" "$5" "$1"`;
  const args = ['sh', disks, process.execPath, CHILD, await builtLibrary(), path];
  const out = execFileSync('unshare', ['-rm', 'sh', '-c', script, ...args], { encoding: 'utf8' });
  const result = JSON.parse(out) as Record<string, unknown>;
  const full = {
    code: 'DISK_FULL',
    message: expect.stringContaining('is not whole: the disk is full') as string,
    hint: 'Free some space and try again.',
    retryable: true,
  };
  const typed = { name: 'FileSystemError', code: 'FILE_SYSTEM' };
  for (const format of FORMATS) {
    expect(result[format]).toMatchObject({ full, readOnly: typed, vanished: typed });
  }
  expect(result['cli']).toMatchObject({ status: 75, error: full });
});
