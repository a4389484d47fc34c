import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** A file that was read in one consistent state. */
export interface SourceBytes {
  /** Shared memory: good until the next read. */
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
const MEMORY_KEPT = 8 * 1024 * 1024;

const chunk = Buffer.allocUnsafeSlow(256 * 1024);
let memory = Buffer.allocUnsafeSlow(256 * 1024);

/**
 * Reads a whole file without following a link, again when it changed meanwhile.
 *
 * @returns the bytes, or why there are none
 */
export async function readSource(path: string): Promise<SourceBytes | SourceFault> {
  for (let attempt = 1; ; attempt++) {
    const source = readOnce(path);
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

function readOnce(path: string): SourceBytes | SourceFault {
  const opened = openSource(path);
  if (typeof opened === 'string') return opened;
  const { fd, stats } = opened;
  try {
    if (stats.size > SOURCE_SIZE_MAX) return 'too_large';
    reserve(stats.size);
    const size = readFully(fd, memory, stats.size + 1, 0);
    if (size !== stats.size || !isSettled(stats, fstatSync(fd))) return 'changing';
    const bytes = memory.subarray(0, size);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { bytes, size, sha256, mtimeMs: stats.mtimeMs };
  } catch (error) {
    return openFault(error);
  } finally {
    closeSync(fd);
  }
}

/** Reads up to `length` bytes from `position` on; fewer only at the end of the file. */
export function readFully(fd: number, target: Buffer, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const count = readSync(fd, target, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** The hash of the first `size` bytes of a file, and how many there were. */
export function hashOf(fd: number, size: number): { size: number; sha256: string } {
  const hash = createHash('sha256');
  let done = 0;
  while (done < size) {
    const length = readFully(fd, chunk, Math.min(chunk.length, size - done), done);
    if (length === 0) break;
    hash.update(chunk.subarray(0, length));
    done += length;
  }
  return { size: done, sha256: hash.digest('hex') };
}

/** One byte more than the file has, so that growth is seen. */
function reserve(size: number): void {
  if (memory.length <= size || (memory.length > MEMORY_KEPT && size < MEMORY_KEPT)) {
    memory = Buffer.allocUnsafeSlow(Math.max(size + 1, 256 * 1024));
  }
}

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
