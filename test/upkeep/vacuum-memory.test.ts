import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';

const CHILD = fileURLToPath(new URL('vacuum-memory-child.mjs', import.meta.url));

async function vacuumed(kind: string): Promise<{ bytes: number; risen: number }> {
  const args = [CHILD, await builtLibrary(), join(tempFolder(), 'store.db'), kind];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { bytes: number; risen: number };
}

it('vacuums a store without holding all of it in memory', async () => {
  const { bytes, risen } = await vacuumed('plain');
  expect(bytes).toBeGreaterThan(30 << 20);
  expect(risen).toBeLessThan(bytes / 2);
});

// What SQLite copies to beside it is not encrypted.
it('puts no copy of an encrypted store on the disk while it vacuums', async () => {
  const { bytes, risen } = await vacuumed('encrypted');
  expect(risen).toBeGreaterThan(bytes / 2);
});
