import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';

/** What a child says that works on a small disk. */
async function onSmallDisk(child: string): Promise<Record<string, unknown>> {
  const path = fileURLToPath(new URL(child, import.meta.url));
  const library = await builtLibrary();
  // A mount of its own in a user namespace: no rights are needed, nothing else sees it.
  const script = `mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" "$3" "$4" "$1"`;
  const out = execFileSync(
    'unshare',
    ['-rm', 'sh', '-c', script, 'sh', tempFolder(), process.execPath, path, library],
    { encoding: 'utf8' },
  );
  return JSON.parse(out) as Record<string, unknown>;
}

it('a full disk refuses writes with a typed error, reads go on, and freed space is used again', async () => {
  const result = await onSmallDisk('full-disk-child.mjs');
  expect(result['refused']).toEqual({ code: 'DISK_FULL', retryable: true });
  expect(result['acked']).toBeGreaterThan(5);
  expect(result['stillReads']).toBe(result['acked']);
  expect(result['lost']).toEqual([]);
  expect(result['ok']).toBe(true);
});

it('a transaction that a full disk ended is over, also for a caller that goes on with it', async () => {
  expect(await onSmallDisk('full-disk-transaction-child.mjs')).toEqual({
    inside: ['DISK_FULL', 'DISK_FULL', 'DISK_FULL', 'DISK_FULL'],
    outcome: 'DISK_FULL',
    prompts: [],
    audit: 0,
    messages: 0,
    ok: true,
  });
});
