import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** A file that was read in one consistent state. */
export interface SourceBytes {
  /** In the memory that was given, unless the file is large: good until the next read into that. */
  bytes: Buffer;
  size: number;
  sha256: string;
  mtimeMs: number;
}

/** Why a file could not be read; `missing` means that it went away after it was listed. */
export type SourceFault =
  'symlink' | 'unreadable' | 'changing' | 'too_large' | 'missing' | 'directory' | 'not_a_file';

/** The longest text that JavaScript can hold is 2^29 characters less a few. */
export const SOURCE_SIZE_MAX = 500 * 1024 * 1024;
const ATTEMPTS_MAX = 6;
const PAUSE_MS = 25;
/** File times advance in steps of up to 10 ms: a younger file may change without a sign of it. */
const SETTLED_MS = 15;
/** What is read and hashed before others get a turn. */
export const PIECE_BYTES = 1 << 20;

const chunk = Buffer.allocUnsafeSlow(256 * 1024);

/**
 * Reads a whole file without following a link, again when it changed meanwhile.
 *
 * @param memory - of {@link PIECE_BYTES}, of one who reads one file after the other
 * @returns the bytes, or why there are none
 */
export async function readSource(path: string, memory: Buffer): Promise<SourceBytes | SourceFault> {
  for (let attempt = 1; ; attempt++) {
    const source = await readOnce(path, memory);
    if (source !== 'changing' || attempt === ATTEMPTS_MAX) return source;
    await setTimeout(PAUSE_MS * attempt);
  }
}

/** Opens a file for reading, refusing links, devices and pipes. */
export function openSource(path: string): { fd: number; stats: Stats } | SourceFault {
  let fd: number;
  try {
    // Without O_NONBLOCK a pipe would hold the whole program. Windows has neither flag.
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
    fd = openSync(path, (O_RDONLY ?? 0) | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    return openFault(error);
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, stats };
  closeSync(fd);
  return stats.isDirectory() ? 'directory' : 'not_a_file';
}

/** True while the file is as it was when `before` was taken, and would show it if it were not. */
export function isSettled(before: Stats, after: Stats): boolean {
  const age = Date.now() - after.mtimeMs;
  return sameStats(before, after) && !(age >= 0 && age < SETTLED_MS);
}

export function sameStats(a: Stats, b: Stats): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino;
}

async function readOnce(path: string, memory: Buffer): Promise<SourceBytes | SourceFault> {
  const opened = openSource(path);
  if (typeof opened === 'string') return opened;
  const { fd, stats } = opened;
  try {
    if (stats.size > SOURCE_SIZE_MAX) return 'too_large';
    const isLarge = stats.size >= memory.length;
    const target = isLarge ? Buffer.allocUnsafeSlow(stats.size + 1) : memory;
    const digest = createHash('sha256');
    let size = 0;
    for (;;) {
      // One byte more than the file has, so that growth is seen.
      const wanted = Math.min(PIECE_BYTES, stats.size + 1 - size);
      const length = readFully(fd, target, wanted, size, size);
      digest.update(target.subarray(size, size + length));
      size += length;
      if (length < wanted || size > stats.size) break;
      await setImmediate();
    }
    if (size !== stats.size || !isSettled(stats, fstatSync(fd))) return 'changing';
    const bytes = target.subarray(0, size);
    return { bytes, size, sha256: digest.digest('hex'), mtimeMs: stats.mtimeMs };
  } catch (error) {
    return openFault(error);
  } finally {
    closeSync(fd);
  }
}

/** Reads up to `length` bytes from `position` on; fewer only at the end of the file. */
export function readFully(
  fd: number,
  target: Buffer,
  length: number,
  position: number,
  offset = 0,
): number {
  let done = 0;
  while (done < length) {
    const count = readSync(fd, target, offset + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** The hash of the first `size` bytes of a file, and how many there were. */
export async function hashOf(fd: number, size: number): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let done = 0;
  while (done < size) {
    const length = readFully(fd, chunk, Math.min(chunk.length, size - done), done);
    if (length === 0) break;
    hash.update(chunk.subarray(0, length));
    done += length;
    if (done % PIECE_BYTES === 0) await setImmediate();
  }
  return { size: done, sha256: hash.digest('hex') };
}

/** The shared memory is for what is read in one go: another read may come in between two pieces. */
function openFault(error: unknown): SourceFault {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ELOOP':
    case 'EMLINK':
      return 'symlink';
    case 'ENOENT':
      return 'missing';
    default:
      return 'unreadable';
  }
}
