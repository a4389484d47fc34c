// Pages of a database as sqlite.org/fileformat2.html has them: of trees ("b-trees") only which pages
// belong together, and which pages are free. Rows are left to SQLite itself.

/** Bytes of a page of every store: SQLite's own default. */
export const PAGE_SIZE = 4096;

/** Tells a store from other databases. */
export const APPLICATION_ID = 0x43_57_53_54; // "CWST"

/** A tree of a table with numbered rows, or of an index or a table that is ordered by its key. */
export type TreeKind = 'table' | 'index';

export interface TreePage {
  readonly kind: TreeKind;
  /** Numbers of the pages below it; undefined where it is a leaf. */
  readonly children?: readonly number[];
}

const INNER = new Map<number, TreeKind>([
  [0x05, 'table'],
  [0x02, 'index'],
]);
const LEAVES = new Map<number, TreeKind>([
  [0x0d, 'table'],
  [0x0a, 'index'],
]);

/** What a page says of its tree; undefined where it is a page of none. Not for the first page. */
export function treePageOf(page: Buffer): TreePage | undefined {
  const first = page.readUInt8(0);
  const leaf = LEAVES.get(first);
  const kind = leaf ?? INNER.get(first);
  if (!kind) return undefined;
  const cells = page.readUInt16BE(3);
  const pointers = leaf ? 8 : 12;
  if (pointers + 2 * cells > Math.min(page.readUInt16BE(5), PAGE_SIZE)) return undefined;
  if (leaf) return { kind };
  const children = [page.readUInt32BE(8)];
  for (let i = 0; i < cells; i++) {
    const cell = page.readUInt16BE(pointers + 2 * i);
    children.push(cell + 4 > PAGE_SIZE ? 0 : page.readUInt32BE(cell));
  }
  return { kind, children };
}

/** A page of the list of free pages. */
export interface Trunk {
  /** The next one, 0 at the end. */
  readonly next: number;
  readonly free: readonly number[];
}

const TRUNK_MAX = PAGE_SIZE / 4 - 2;

/** Reads a page as one of the list of free pages; undefined where it cannot be one. */
export function trunkOf(page: Buffer, pages: number): Trunk | undefined {
  const next = page.readUInt32BE(0);
  const count = page.readUInt32BE(4);
  if (next > pages || count > TRUNK_MAX) return undefined;
  const free = Array.from({ length: count }, (_, i) => page.readUInt32BE(8 + 4 * i));
  return free.every((number) => number > 1 && number <= pages) ? { next, free } : undefined;
}

/** What the first page says of the file; undefined where it says nothing that can be trusted. */
export interface FileHeader {
  /** The first page of the list of free pages, 0 where there are none; and how many are free. */
  readonly trunk: number;
  readonly free: number;
  readonly applicationId: number;
}

const MAGIC = 'SQLite format 3\0';

export function fileHeaderOf(page: Buffer): FileHeader | undefined {
  if (page.length < PAGE_SIZE || page.toString('latin1', 0, MAGIC.length) !== MAGIC)
    return undefined;
  return {
    trunk: page.readUInt32BE(32),
    free: page.readUInt32BE(36),
    applicationId: page.readUInt32BE(68),
  };
}

/** The first page of a database, without a log, in which there is nothing yet, whatever pages follow. */
export function blankFirstPage(pages: number): Buffer {
  const page = Buffer.alloc(PAGE_SIZE);
  writeFixedHeader(page, pages, false);
  page.writeUInt8(0x0d, 100);
  page.writeUInt16BE(PAGE_SIZE, 105);
  return page;
}

/** Writes into a first page what the header of every store says. */
export function writeFixedHeader(page: Buffer, pages: number, log = true): void {
  page.write(MAGIC, 0, 'latin1');
  page.writeUInt16BE(PAGE_SIZE, 16);
  // No space kept at the end of pages; fixed fractions.
  Buffer.from([log ? 2 : 1, log ? 2 : 1, 0, 64, 32, 32]).copy(page, 18);
  page.writeUInt32BE(Math.max(1, pages), 28);
  // The size counts where these two agree.
  page.copy(page, 92, 24, 28);
  page.writeUInt32BE(4, 44);
  page.fill(0, 52, 56);
  page.writeUInt32BE(1, 56);
}
