import { statSync } from 'node:fs';
import { readPassphraseFile } from './keys/key-file.ts';
import type { LockSecret } from './keys/lock.ts';

/** Who has the hub can try shorter ones. */
const PASSPHRASE_LENGTH = 12;

/** What a person should know of the files with secrets that were given; no word of their content. */
export interface Warned {
  readonly warnings: readonly string[];
}

/** What is wrong with who may read a file with a secret, and how to mend it. */
export function fileWarnings(what: string, path: string): string[] {
  // A file that is not there is told by whoever reads it.
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return [];
  return [`others on this machine can use the ${what}: chmod 600 ${quoted(path)}`];
}

/** Reads a passphrase. @throws `InvalidInputError`, `FileSystemError` */
export function readPassphrase(path: string): { secret: LockSecret; warnings: string[] } {
  const { secret } = readPassphraseFile(path);
  const warnings = fileWarnings('passphrase file', path);
  if ('passphrase' in secret && secret.passphrase.length < PASSPHRASE_LENGTH) {
    warnings.push(
      `the passphrase has fewer than ${PASSPHRASE_LENGTH} characters: whoever has the hub can try all of them`,
    );
  }
  return { secret, warnings };
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
