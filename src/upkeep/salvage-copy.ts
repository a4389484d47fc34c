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
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { applyLog, mendLog } from '../db/log-file.ts';
import { PAGE_SIZE, writeFixedHeader } from '../db/page-format.ts';
import { releaseClosed } from '../db/release.ts';
import { hasForeignLog } from '../db/store-file.ts';
import { renameDurably, syncFile, syncFolder } from '../db/sync-folder.ts';
import { fileSize } from '../db/file-facts.ts';
import { FileSystemError } from '../errors.ts';
import { mendSchema } from './salvage-schema.ts';
import { findTrees } from './salvage-trees.ts';

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

/** Gives a copy of a store, log and all, the name under which it stays. */
export function keepStore(copy: string, kept: string): void {
  for (const suffix of ['-wal', '']) {
    if (existsSync(copy + suffix)) renameDurably(copy + suffix, kept + suffix);
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
 * Makes a copy of a damaged store such that SQLite reads as much of it as there is: with the commits
 * of its log to the end of that, a sound header, as many pages as the file has, and its tables. An
 * encrypted one stays as it is.
 *
 * @returns how many trees are left out, see `mendSchema`
 * @throws `DamagedStoreError` there is nothing of a store in it
 */
export async function mendCopy(path: string, encryptionKey: string | undefined): Promise<number> {
  if (fileSize(`${path}-wal`) > 0) {
    if (hasForeignLog(path, encryptionKey)) rmSync(`${path}-wal`);
    // What SQLite has noted of the log is not true of a mended one.
    await releaseClosed();
    rmSync(`${path}-shm`, { force: true });
  }
  if (encryptionKey !== undefined) return 0;
  moveLog(path);
  const trees = findTrees(path);
  mendHeader(path);
  return mendSchema(path, trees);
}

function moveLog(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  if (fileSize(`${path}-wal`) === 0) return;
  const log = readFileSync(`${path}-wal`);
  mendLog(log);
  applyLog(path, log);
  rmSync(`${path}-wal`);
}

/** Writes what the header of every store says; sqlite.org/fileformat2.html#the_database_header. */
function mendHeader(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const page = Buffer.alloc(PAGE_SIZE);
    const size = readSync(fd, page, 0, PAGE_SIZE, 0);
    if (size < PAGE_SIZE || !TABLE_PAGES.has(page.readUInt8(HEADER_SIZE))) return;
    writeFixedHeader(page, Math.floor(fileSize(path) / PAGE_SIZE));
    writeSync(fd, page, 0, HEADER_SIZE, 0);
  } finally {
    closeSync(fd);
  }
}
