import { closeSync, openSync, readSync } from 'node:fs';
import { fileSize } from '../db/file-facts.ts';
import {
  fileHeaderOf,
  PAGE_SIZE,
  treePageOf,
  trunkOf,
  type FileHeader,
  type TreeKind,
  type Trunk,
} from '../db/page-format.ts';

export interface Tree {
  readonly root: number;
  readonly kind: TreeKind;
  /** Pages of it are no pages of a tree any more: what was below them are trees of their own now. */
  readonly broken: boolean;
}

/** The trees of a store, found without the page that says where they are. */
export interface Trees {
  /** By their root. The first page is none of them, nor is a page that is free. */
  readonly byRoot: ReadonlyMap<number, Tree>;
  /**
   * Whether all free pages are known, so that no tree is of freed ones. What was deleted still stands
   * in those.
   */
  readonly freeKnown: boolean;
  readonly header: FileHeader | undefined;
  kindOf(page: number): TreeKind | undefined;
}

/** Pages of one read. */
const READ_PAGES = 256;
/** No tree is deeper. */
const DEPTH_MAX = 20;
const KINDS = [undefined, 'table', 'index'] as const;

/** What a look at every page has found. */
interface Found {
  readonly pages: number;
  /** For each page the number of its kind in {@link KINDS}. */
  readonly kinds: Uint8Array;
  readonly children: Map<number, readonly number[]>;
  /** Pages that look like one of the list of free pages. */
  readonly trunks: Map<number, Trunk>;
  readonly header: FileHeader | undefined;
}

/** Looks at every page of a file, without its log. */
export function findTrees(path: string): Trees {
  const found = lookAtPages(path);
  const { pages, kinds, children } = found;
  const { free, known } = findFree(found);
  const parents = new Uint32Array(pages + 1);
  const torn: number[] = [];
  for (const [page, below] of children) {
    // Those of a freed page may be pages of another tree by now.
    if (free[page]) continue;
    const own = below.filter((child) => child !== page && kinds[child] === kinds[page]);
    for (const child of own) parents[child] = page;
    if (own.length < below.length) torn.push(page);
  }
  const broken = new Set(torn.map((page) => rootOf(page, parents)));
  const byRoot = new Map<number, Tree>();
  for (let root = 2; root <= pages; root++) {
    const kind = KINDS[kinds[root] as number];
    if (!kind || free[root] || parents[root]) continue;
    byRoot.set(root, { root, kind, broken: broken.has(root) });
  }
  const kindOf = (page: number) => KINDS[kinds[page] ?? 0];
  return { byRoot, freeKnown: known, header: found.header, kindOf };
}

function lookAtPages(path: string): Found {
  const pages = Math.floor(fileSize(path) / PAGE_SIZE);
  const kinds = new Uint8Array(pages + 1);
  const children = new Map<number, readonly number[]>();
  const trunks = new Map<number, Trunk>();
  let header: FileHeader | undefined;
  for (const { number, page } of readPages(path, pages)) {
    if (number === 1) {
      header = fileHeaderOf(page);
      continue;
    }
    const found = treePageOf(page);
    kinds[number] = KINDS.indexOf(found?.kind);
    if (found?.children) children.set(number, found.children);
    const trunk = found ? undefined : trunkOf(page, pages);
    if (trunk) trunks.set(number, trunk);
  }
  return { pages, kinds, children, trunks, header };
}

function* readPages(path: string, pages: number): Generator<{ number: number; page: Buffer }> {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(READ_PAGES * PAGE_SIZE);
    for (let first = 1; first <= pages; first += READ_PAGES) {
      const length = readSync(fd, bytes, 0, bytes.length, (first - 1) * PAGE_SIZE);
      for (let i = 0; (i + 1) * PAGE_SIZE <= length; i++) {
        yield { number: first + i, page: bytes.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE) };
      }
    }
  } finally {
    closeSync(fd);
  }
}

function rootOf(page: number, parents: Uint32Array): number {
  let root = page;
  for (let depth = 0; parents[root] && depth < DEPTH_MAX; depth++) root = parents[root] as number;
  return root;
}

/** Flags of the free pages: by the list that the header begins, else by whatever looks like that list. */
function findFree({ pages, trunks, header }: Found): { free: Uint8Array; known: boolean } {
  const flags = (numbers: Iterable<number>) => {
    const free = new Uint8Array(pages + 1);
    for (const page of numbers) for (const one of [page, ...freeOf(trunks, page)]) free[one] = 1;
    return free;
  };
  const filled = [...trunks.keys()].filter((page) => freeOf(trunks, page).length > 0);
  if (header) {
    const { list, ended } = follow(header.trunk, trunks);
    const count = list.reduce((sum, page) => sum + 1 + freeOf(trunks, page).length, 0);
    // A list that is empty by the header, while there is one, was lost with the header.
    const lost = header.trunk === 0 && filled.length > 0;
    if (ended && count === header.free && !lost) return { free: flags(list), known: true };
  }
  const later = new Set(filled.map((page) => trunks.get(page)?.next));
  const firsts = filled.filter((page) => !later.has(page));
  const { list, ended } = follow(firsts[0] ?? 0, trunks);
  const whole = firsts.length === 1 && ended && filled.length <= list.length;
  return { free: flags(filled), known: whole };
}

const freeOf = (trunks: Found['trunks'], page: number) => trunks.get(page)?.free ?? [];

/** The pages of a list of free pages, and whether it has an end. */
function follow(first: number, trunks: Found['trunks']): { list: number[]; ended: boolean } {
  const list = new Set<number>();
  let page = first;
  for (let trunk = trunks.get(page); trunk && !list.has(page); trunk = trunks.get(page)) {
    list.add(page);
    page = trunk.next;
  }
  return { list: [...list], ended: page === 0 };
}
