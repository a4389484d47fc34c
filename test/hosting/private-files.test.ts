import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readOrMakePrivate, replacePrivate } from '../../src/hosting/private-files.ts';
import { tempFolder } from '../support/temp-store.ts';

it('takes what another process made in the meantime, and never replaces it', () => {
  const folder = tempFolder();
  const path = join(folder, 'key');
  const text = readOrMakePrivate(path, () => {
    writeFileSync(path, 'theirs');
    return 'ours';
  });
  expect(text).toBe('theirs');
  expect(readFileSync(path, 'utf8')).toBe('theirs');
  expect(readdirSync(folder)).toEqual(['key']);
});

it('writes files for their owner only, whatever was there', () => {
  const path = join(tempFolder(), 'token');
  writeFileSync(path, 'old', { mode: 0o644 });
  replacePrivate(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
