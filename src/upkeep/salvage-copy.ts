import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { mendLog } from '../db/log-file.ts';
import { releaseClosed } from '../db/release.ts';
import { hasForeignLog } from '../db/store-file.ts';
import { renameDurably, syncFile, syncFolder } from '../db/sync-folder.ts';
import { fileSize } from '../db/file-facts.ts';
import { FileSystemError } from '../errors.ts';

const PAGE_SIZE = 4096;
const HEADER_SIZE = 100;
/** Kinds of a page that holds a table: inner and leaf. */
const TABLE_PAGES = new Set([0x05, 0x0d]);
/** A file and what SQLite puts beside it. */
const SUFFIXES = ['', '-wal', '-shm'] as const;

/** What tells that a store was written: sizes, times and numbers of its files. */
export function fingerprint(path: string): string {
  return ['', '-wal']
    .map((suffix) => statSync(path + suffix, { bigint: true, throwIfNoEntry: false }))
    .map((stat) => (stat?.size ? [stat.ino, stat.size, stat.mtimeNs].join() : '-'))
    .join(' ');
}

/** Copies a store byte by byte, log and all; never over another file. @throws `FileSystemError` */
export function copyStore(from: string, to: string): void {
  try {
    for (const suffix of ['', '-wal']) {
      if (!existsSync(from + suffix)) continue;
      const { COPYFILE_EXCL, COPYFILE_FICLONE } = constants;
      copyFileSync(from + suffix, to + suffix, COPYFILE_EXCL | COPYFILE_FICLONE);
      chmodSync(to + suffix, 0o600);
      syncFile(to + suffix);
    }
    syncFolder(dirname(to));
  } catch (error) {
    throw new FileSystemError(`the damaged store cannot be copied to ${to}`, error);
  }
}

/** Puts a store in the place of another one, whose log must not be taken for its own. */
export function replaceStore(fresh: string, path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  renameDurably(fresh, path);
}

export function removeStore(path: string): void {
  for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true });
}

/**
 * Makes a copy of a damaged store such that SQLite reads as much of it as there is: a sound header,
 * as many pages as the file has, and a log to its end. An encrypted one stays as it is.
 */
export async function mendCopy(path: string, encryptionKey: string | undefined): Promise<void> {
  if (fileSize(`${path}-wal`) > 0) {
    if (hasForeignLog(path, encryptionKey)) rmSync(`${path}-wal`);
    // What SQLite has noted of the log is not true of a mended one.
    await releaseClosed();
    rmSync(`${path}-shm`, { force: true });
  }
  if (encryptionKey !== undefined) return;
  mendHeader(path);
  if (fileSize(`${path}-wal`) === 0) return;
  const log = readFileSync(`${path}-wal`);
  mendLog(log);
  writeFileSync(`${path}-wal`, log);
}

/** Writes what the header of every store says; sqlite.org/fileformat2.html#the_database_header. */
function mendHeader(path: string): void {
  const fd = openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600);
  try {
    const page = Buffer.alloc(PAGE_SIZE);
    const size = readSync(fd, page, 0, PAGE_SIZE, 0);
    // Nothing of it is left: a blank page, for the log to be read at all.
    if (size < PAGE_SIZE) page.fill(0).writeUInt8(0x0d, HEADER_SIZE);
    else if (!TABLE_PAGES.has(page.readUInt8(HEADER_SIZE))) return;
    page.write('SQLite format 3\0', 0, 'latin1');
    page.writeUInt16BE(PAGE_SIZE, 16);
    // Read and written with a log; no space kept at the end of pages; fixed fractions.
    Buffer.from([2, 2, 0, 64, 32, 32]).copy(page, 18);
    page.writeUInt32BE(Math.max(1, Math.floor(fileSize(path) / PAGE_SIZE)), 28);
    // The size counts where these two agree.
    page.copy(page, 92, 24, 28);
    page.writeUInt32BE(4, 44);
    page.fill(0, 52, 56);
    page.writeUInt32BE(1, 56);
    writeSync(fd, page, 0, size < PAGE_SIZE ? PAGE_SIZE : HEADER_SIZE, 0);
  } finally {
    closeSync(fd);
  }
}
