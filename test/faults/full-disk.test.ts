import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';

const CHILD = fileURLToPath(new URL('full-disk-child.mjs', import.meta.url));

it('a full disk refuses writes with a typed error, reads go on, and freed space is used again', async () => {
  const folder = tempFolder();
  const library = await builtLibrary();
  // A mount of its own in a user namespace: no rights are needed, nothing else sees it.
  const script = `mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" "$3" "$4" "$1"`;
  const out = execFileSync(
    'unshare',
    ['-rm', 'sh', '-c', script, 'sh', folder, process.execPath, CHILD, library],
    { encoding: 'utf8' },
  );
  const result = JSON.parse(out) as Record<string, unknown>;
  expect(result['refused']).toEqual({ code: 'DISK_FULL', retryable: true });
  expect(result['acked']).toBeGreaterThan(5);
  expect(result['stillReads']).toBe(result['acked']);
  expect(result['lost']).toEqual([]);
  expect(result['ok']).toBe(true);
});
