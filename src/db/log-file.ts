import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { FileSystemError } from '../errors.ts';
import { PAGE_SIZE } from './page-format.ts';

// The write-ahead log as sqlite.org/fileformat2.html#walformat has it. Every frame bears a checksum
// over itself and the checksum of the frame before; SQLite reads up to the first that does not fit,
// takes what follows for the rest of an older log, and overwrites it.

const HEADER = 32;
const FRAME_HEADER = 24;
/** The lowest bit of it tells the byte order in which checksums are taken. */
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;
/** So much of a log is looked at, in bytes: what a vacuum or an import left is as large as the store. */
const LOOKED_AT_MAX = 256 << 20;
/** Damage of one spot spoils its frame, and the next one where it is in a stored checksum. */
const SPOT_FRAMES_MAX = 2;

/** A place in a log that SQLite would not read beyond, and what acknowledged writes lie there. */
export interface LogDamage {
  /** Frames before it. */
  readonly sound: number;
  /** Commits behind it that are whole. */
  readonly commits: number;
}

interface Frame {
  readonly commit: boolean;
  /** Of the log that the header began, and whole. */
  readonly fits: boolean;
}

/**
 * Looks for one damaged spot with whole commits behind it. With durable commits no crash leaves that:
 * each commit is on the disk before the next begins, so only the last one can be torn. Logs that
 * were lost in many places, as by a power cut without durable commits, are not meant.
 *
 * Only for logs that are not encrypted: there the checksums are of the plain pages.
 *
 * @throws `FileSystemError` the log cannot be read
 */
export function findLogDamage(path: string): LogDamage | undefined {
  try {
    for (let former: Look | undefined; ;) {
      const found = look(path);
      // One who writes meanwhile is half seen, or begins the log anew under the eyes; but never twice
      // at one place of one log.
      const again =
        found.damage?.sound === former?.damage?.sound && found.header === former?.header;
      if (!found.damage || again) return found.damage;
      former = found;
    }
  } catch (error) {
    throw new FileSystemError(`${path} cannot be read`, error);
  }
}

interface Look {
  /** Of each log its own. */
  readonly header: string;
  readonly damage: LogDamage | undefined;
}

function look(path: string): Look {
  const fd = openSync(path, 'r');
  try {
    const start = Buffer.alloc(HEADER + FRAME_HEADER);
    const length = readSync(fd, start, 0, start.length, 0);
    const frames = length < start.length ? [] : readFrames(fd, start);
    return { header: start.toString('hex', 0, HEADER), damage: damageOf(frames) };
  } finally {
    closeSync(fd);
  }
}

function damageOf(frames: Iterable<Frame>): LogDamage | undefined {
  let sound = 0;
  let commits = 0;
  let spots = 0;
  let spoilt = 0;
  for (const { commit, fits } of frames) {
    if (!fits) {
      if (++spoilt > SPOT_FRAMES_MAX) break;
      continue;
    }
    if (spoilt > 0) spots++;
    spoilt = 0;
    if (spots === 0) sound++;
    else if (commit) commits++;
  }
  // The last transaction may have been torn, its commit and all.
  return spots === 1 && commits > 1 ? { sound, commits } : undefined;
}

/** The header and the frames of a log, each judged by the stored checksum of the one before. */
function* readFrames(fd: number, start: Buffer): Generator<Frame> {
  const log = logOf(start);
  if (!log.headed) yield { commit: false, fits: false };
  const frame = Buffer.alloc(FRAME_HEADER + log.pageSize);
  let former = Buffer.from(start.subarray(24, HEADER));
  for (
    let at = HEADER;
    at < LOOKED_AT_MAX && readSync(fd, frame, 0, frame.length, at) === frame.length;
  ) {
    const fits = log.salts.equals(saltsOf(frame)) && log.sum(former, frame).equals(stored(frame));
    yield { commit: frame.readUInt32BE(4) > 0, fits };
    former = Buffer.from(stored(frame));
    at += frame.length;
  }
}

/** Makes a log of which one spot is damaged readable to its end again: in a copy of it. */
export function mendLog(bytes: Buffer): void {
  if (bytes.length < HEADER + FRAME_HEADER) return;
  const log = logOf(bytes);
  bytes.writeUInt32BE(MAGIC + (log.bigEndian ? 1 : 0), 0);
  bytes.writeUInt32BE(VERSION, 4);
  bytes.writeUInt32BE(log.pageSize, 8);
  log.salts.copy(bytes, 16);
  let former = sumOf(checksum([0, 0], bytes.subarray(0, 24), log.bigEndian));
  former.copy(bytes, 24);
  let spoilt = 0;
  const length = FRAME_HEADER + log.pageSize;
  for (let at = HEADER; at + length <= bytes.length; at += length) {
    const frame = bytes.subarray(at, at + length);
    // An older log begins here, if it is not the spot itself.
    if (!log.salts.equals(saltsOf(frame)) && ++spoilt > SPOT_FRAMES_MAX) return;
    log.salts.copy(frame, 8);
    former = log.sum(former, frame);
    former.copy(frame, 16);
  }
}

/**
 * Moves the commits of a log into the file, as SQLite does; but that reads the file first, which may
 * be too damaged for it.
 */
export function applyLog(path: string, bytes: Buffer): void {
  if (bytes.length < HEADER + FRAME_HEADER) return;
  const log = logOf(bytes);
  const length = FRAME_HEADER + log.pageSize;
  const fd = openSync(path, 'r+');
  try {
    // More pages than that no file has after the log: a number beyond is damaged.
    const pagesMax = (fstatSync(fd).size + bytes.length) / log.pageSize;
    let former = bytes.subarray(24, HEADER);
    let transaction: Buffer[] = [];
    for (let at = HEADER; at + length <= bytes.length; at += length) {
      const frame = bytes.subarray(at, at + length);
      if (!log.salts.equals(saltsOf(frame)) || !log.sum(former, frame).equals(stored(frame))) break;
      former = stored(frame);
      transaction.push(frame);
      const pages = frame.readUInt32BE(4);
      if (pages === 0) continue;
      for (const page of transaction) {
        const number = page.readUInt32BE(0);
        if (number < 1 || number > pagesMax) continue;
        writeSync(fd, page, FRAME_HEADER, log.pageSize, (number - 1) * log.pageSize);
      }
      if (pages <= pagesMax) ftruncateSync(fd, pages * log.pageSize);
      transaction = [];
    }
  } finally {
    closeSync(fd);
  }
}

const saltsOf = (frame: Buffer) => frame.subarray(8, 16);
const stored = (frame: Buffer) => frame.subarray(16, 24);

/** What the header of a log says, or, where it is damaged, what its first frame and custom say. */
function logOf(start: Buffer) {
  const bigEndian = start.readUInt32BE(0) === MAGIC + 1;
  const headed = sumOf(checksum([0, 0], start.subarray(0, 24), bigEndian)).equals(
    start.subarray(24, HEADER),
  );
  return {
    headed,
    bigEndian,
    pageSize: headed ? start.readUInt32BE(8) : PAGE_SIZE,
    salts: Buffer.from(headed ? start.subarray(16, 24) : saltsOf(start.subarray(HEADER))),
    sum(former: Buffer, frame: Buffer): Buffer {
      const seed = [former.readUInt32BE(0), former.readUInt32BE(4)] as const;
      const begun = checksum(seed, frame.subarray(0, 8), bigEndian);
      return sumOf(checksum(begun, frame.subarray(FRAME_HEADER), bigEndian));
    },
  };
}

type Sum = readonly [number, number];

function checksum([a, b]: Sum, bytes: Buffer, bigEndian: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}

function sumOf([a, b]: Sum): Buffer {
  const sum = Buffer.alloc(8);
  sum.writeUInt32BE(a, 0);
  sum.writeUInt32BE(b, 4);
  return sum;
}
