import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../db/make-folder.ts';
import { syncFile, syncFolder } from '../../db/sync-folder.ts';
import { ConflictError, FileSystemError } from '../../errors.ts';
import { fullPath } from '../../model/full-path.ts';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Lines gather to this many characters before they are written. */
const BUFFER_LENGTH = 64 * 1024;
// Absent on Windows, which has no such flag.
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
const APPEND = constants.O_WRONLY | constants.O_APPEND | NO_FOLLOW;

/** The folder is not empty, and nobody allowed to write into it all the same. */
export class ExportTargetError extends ConflictError {
  override readonly hint = 'Give a new or empty folder, or allow to write into this one (--force).';
}

function look(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new FileSystemError(`the folder ${path} cannot be made`, error);
  }
}

/**
 * The folder that an export fills. Paths are relative, with slashes; none leads outside or through
 * a symbolic link, and a file that stands in the way is replaced, never written through.
 */
export class ExportTarget {
  readonly root: string;
  readonly #folders = new Set<string>();
  /** Files of this export by their lower-case path: some file systems take `A` and `a` for one. */
  readonly #files = new Map<string, string>();

  private constructor(root: string) {
    this.root = root;
  }

  /** @throws `ConflictError` a symbolic link, no folder, or not empty without `force` */
  static open(dir: string, force: boolean): ExportTarget {
    const root = fullPath(dir);
    const stat = look(root);
    if (stat?.isSymbolicLink()) throw new ConflictError(`${root} is a symbolic link`);
    if (stat && !stat.isDirectory()) throw new ConflictError(`${root} is not a folder`);
    if (stat && !force && readdirSync(root).length > 0) {
      throw new ExportTargetError(`the folder ${root} is not empty`);
    }
    makeFolder(root, FOLDER_MODE);
    return new ExportTarget(root);
  }

  /** How many files were written. */
  get files(): number {
    return this.#files.size;
  }

  has(path: string): boolean {
    return this.#files.get(path.toLowerCase()) === path;
  }

  /** Writes a whole file. */
  write(path: string, content: string | Iterable<Uint8Array>, modifiedMs?: number): void {
    const file = this.#create(path);
    const fd = openSync(file, CREATE, FILE_MODE);
    try {
      const pieces = typeof content === 'string' ? [Buffer.from(content, 'utf8')] : content;
      for (const piece of pieces) writeAll(fd, piece);
      if (modifiedMs !== undefined) setTime(fd, modifiedMs);
    } finally {
      closeSync(fd);
    }
  }

  /** A file of lines: new, or longer when this export has begun it. The caller closes it. */
  lines(path: string): LineFile {
    if (this.has(path)) return new LineFile(openSync(this.#check(path), APPEND));
    return new LineFile(openSync(this.#create(path), CREATE, FILE_MODE));
  }

  /** Makes room for a file that somebody else writes; returns where. */
  reserve(path: string): string {
    const file = this.#create(path);
    closeSync(openSync(file, CREATE, FILE_MODE));
    return file;
  }

  setModified(path: string, modifiedMs: number): void {
    utimesSync(this.#check(path), fileTime(modifiedMs), fileTime(modifiedMs));
  }

  folder(path: string): void {
    this.#check(`${path}/x`);
  }

  /** Brings all of it to the disk: people delete what they have exported. */
  settle(): void {
    for (const path of this.#files.values()) syncFile(join(this.root, path));
    for (const folder of [...this.#folders, this.root]) syncFolder(folder);
  }

  #create(path: string): string {
    const file = this.#check(path);
    const key = path.toLowerCase();
    // Two ids may be spelled alike, or differ in the case of letters only.
    if (this.#files.has(key)) return this.#create(otherName(path));
    this.#files.set(key, path);
    rmSync(file, { force: true });
    return file;
  }

  /** The absolute path, its folders made. */
  #check(path: string): string {
    const parts = path.split('/');
    if (!isInside(path)) throw new Error(`the path ${path} leads out of the export`);
    for (let depth = 1; depth < parts.length; depth++) this.#makeFolder(parts.slice(0, depth));
    return join(this.root, ...parts);
  }

  #makeFolder(parts: readonly string[]): void {
    const folder = join(this.root, ...parts);
    if (this.#folders.has(folder)) return;
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (!stat) mkdirSync(folder, { mode: FOLDER_MODE });
    else if (!stat.isDirectory()) throw new ConflictError(`${folder} is not a folder`);
    this.#folders.add(folder);
  }
}

// On Windows these lead elsewhere; in other systems they are characters like any other.
const FORBIDDEN = process.platform === 'win32' ? /[\\:*?"<>|\0]/ : /\0/;

/** True for a relative path whose every part is a plain name. */
export function isInside(path: string): boolean {
  return path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !FORBIDDEN.test(part));
}

/** A name for a file whose own another file of this export has. */
function otherName(path: string): string {
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 8);
  return path.replace(/(\.[a-z]+)?$/, `-${digest}$1`);
}

export class LineFile {
  readonly #fd: number;
  #buffer: string[] = [];
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    this.#buffer.push(line, '\n');
    this.#length += line.length;
    if (this.#length > BUFFER_LENGTH) this.#flush();
  }

  /** A part of a line, or of a file that is no list of lines. */
  append(bytes: Uint8Array): void {
    this.#flush();
    writeAll(this.#fd, bytes);
  }

  close(modifiedMs?: number): void {
    try {
      this.#flush();
      if (modifiedMs !== undefined) setTime(this.#fd, modifiedMs);
    } finally {
      closeSync(this.#fd);
    }
  }

  #flush(): void {
    if (this.#buffer.length === 0) return;
    writeAll(this.#fd, Buffer.from(this.#buffer.join(''), 'utf8'));
    this.#buffer = [];
    this.#length = 0;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}

function setTime(fd: number, ms: number): void {
  futimesSync(fd, fileTime(ms), fileTime(ms));
}

/** In seconds. A file system may keep a little less of it: an import rounds to the millisecond. */
function fileTime(ms: number): number {
  return ms / 1000;
}
