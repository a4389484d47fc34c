import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../../db/sync-folder.ts';
import { FileSystemError, InvalidInputError } from '../../errors.ts';
import type { LockSecret } from './lock.ts';
import { keyToPhrase, phraseToKey } from './phrase.ts';

/** A lock key or passphrase, and whether others on this machine could have read its file. */
export interface SecretFile {
  readonly secret: LockSecret;
  /** True when the group or others may read or write the file; worth a warning. */
  readonly openToOthers: boolean;
}

const FILE_MODE = 0o600;
/** More is no key and no passphrase, in bytes. */
const FILE_BYTES_MAX = 8192;
const WORDS_PER_LINE = 6;
const COMMENT =
  '# The key of a codewhale-store hub: whoever has it can read everything on the hub. Keep it safe.';
/** 32 bytes, in either alphabet. */
const BASE64_KEY = /^[A-Za-z0-9+/_-]{43}=?$/;
/** Windows has neither flag. Without O_NONBLOCK a pipe would hold the whole program. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;

/**
 * Reads a lock key: 24 words or base64, after any lines that begin with `#`.
 *
 * @throws `InvalidInputError` a symbolic link, not a file, or no key inside
 * @throws `FileSystemError` the file cannot be read
 */
export function readKeyFile(path: string): SecretFile {
  const { text, openToOthers } = readSecret(path, 'key file');
  const lines = text.split(/\r\n|\r|\n/).filter((line) => !line.startsWith('#'));
  const content = lines.join('\n').trim();
  return { secret: { key: keyIn(content, path) }, openToOthers };
}

function keyIn(content: string, path: string): Uint8Array {
  if (BASE64_KEY.test(content)) return Buffer.from(content, 'base64');
  try {
    return phraseToKey(content);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(
      `the key file ${path} is not one of 24 words, as "codewhale-store sync key" prints it: ${error.message}`,
    );
  }
}

/**
 * Reads a passphrase: the first line, without its line end.
 *
 * @throws `InvalidInputError` a symbolic link, not a file, or a first line with nothing but blanks
 * @throws `FileSystemError` the file cannot be read
 */
export function readPassphraseFile(path: string): SecretFile {
  const { text, openToOthers } = readSecret(path, 'passphrase file');
  const [passphrase = ''] = text.split(/\r\n|\r|\n/, 1);
  if (passphrase.trim() === '') throw new InvalidInputError(`the passphrase file ${path} is empty`);
  return { secret: { passphrase }, openToOthers };
}

/**
 * Writes the key as 24 words into a new file that only its owner can read.
 *
 * @throws `FileSystemError` something has this name already, or the file cannot be written
 */
export function writeKeyFile(path: string, key: Uint8Array): void {
  const words = keyToPhrase(key).split(' ');
  const lines = [COMMENT];
  for (let i = 0; i < words.length; i += WORDS_PER_LINE) {
    lines.push(words.slice(i, i + WORDS_PER_LINE).join(' '));
  }
  let fd: number | undefined;
  try {
    fd = openSync(path, 'wx', FILE_MODE);
    // The umask may have taken the owner's own rights.
    fchmodSync(fd, FILE_MODE);
    writeFileSync(fd, lines.join('\n') + '\n');
    fsyncSync(fd);
    syncFolder(dirname(path));
  } catch (error) {
    // Half a key is worse than none; what stood there before is not ours.
    if (fd !== undefined) rmSync(path, { force: true });
    throw new FileSystemError(`the key file ${path} cannot be written`, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readSecret(path: string, what: string): { text: string; openToOthers: boolean } {
  const { bytes, mode } = readSmallFile(path, what);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidInputError(`the ${what} ${path} is not text`);
  }
  return { text, openToOthers: process.platform !== 'win32' && (mode & 0o077) !== 0 };
}

function readSmallFile(path: string, what: string): { bytes: Buffer; mode: number } {
  let fd: number | undefined;
  try {
    if (lstatSync(path).isSymbolicLink()) {
      throw new InvalidInputError(`the ${what} ${path} is a symbolic link; give the real path`);
    }
    fd = openSync(path, constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new InvalidInputError(`the ${what} ${path} is not a file`);
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    const size = readSync(fd, bytes, 0, bytes.length, 0);
    if (size > FILE_BYTES_MAX) throw new InvalidInputError(`the ${what} ${path} is too large`);
    return { bytes: bytes.subarray(0, size), mode: stats.mode };
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw new FileSystemError(`the ${what} ${path} cannot be read`, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
