import { readFileSync, statSync } from 'node:fs';
import type { StoreOptions } from '../index.ts';
import { UsageError } from './failure.ts';
import type { Output } from './output.ts';
import type { Settings } from './program.ts';

/**
 * The key of an encrypted store, from the file that was named; a warning where others can read it.
 *
 * @throws `UsageError` it is no file, cannot be read, or is empty
 */
export function keyOf(
  { encryptionKeyFile: file }: Settings,
  out: Output,
): Pick<StoreOptions, 'encryptionKey'> {
  if (file === undefined) return {};
  const { text, mode } = read(file);
  if (text === '') throw new UsageError(`the key file ${file} is empty`);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    out.warn(
      `others on this machine can use the key file ${file}: make it yours alone (chmod 600)`,
    );
  }
  return { encryptionKey: text };
}

const HINT = 'Give the file that holds the key of this store, as you may read it.';

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error ? String(error.code) : error.message;
}

function read(file: string): { text: string; mode: number } {
  try {
    const stats = statSync(file);
    // A pipe would be waited for, and nothing could end that.
    if (!stats.isFile()) throw new Error('it is no file');
    return { text: readFileSync(file, 'utf8').trim(), mode: stats.mode };
  } catch (error) {
    throw new UsageError(`the key file ${file} cannot be read (${reasonOf(error)})`, HINT);
  }
}
