import { readFileSync } from 'node:fs';
import Driver from 'libsql';
import { PAGE } from './damage.ts';

/** A row of a table, and the pages that lead to it and hold it. */
export interface PlacedRow {
  readonly rowid: number;
  /** Where its number stands in the file. */
  readonly offset: number;
  readonly pages: readonly number[];
}

interface Cell {
  readonly rowid: number;
  readonly at: number;
  readonly overflow: number;
}

/** Bytes of a payload that a leaf of a table keeps: sqlite.org/fileformat2.html#b_tree_pages. */
const LOCAL_MAX = PAGE - 35;
const LOCAL_MIN = Math.floor(((PAGE - 12) * 32) / 255) - 23;

/** Every row of a table with numbered rows, in a sound store without a log. */
export function placedRows(path: string, table: string): PlacedRow[] {
  const file = readFileSync(path);
  const driver = new Driver(path);
  const sql = 'select rootpage from sqlite_schema where name = ?';
  const [root] = driver.prepare(sql).raw().get(table) as [number];
  driver.close();
  const rows: PlacedRow[] = [];
  const walk = (number: number, above: readonly number[]): void => {
    const page = file.subarray((number - 1) * PAGE, number * PAGE);
    const pages = [...above, number];
    const leaf = page[0] === 0x0d;
    const cells = Array.from({ length: page.readUInt16BE(3) }, (_, i) =>
      page.readUInt16BE((leaf ? 8 : 12) + 2 * i),
    );
    if (!leaf) {
      for (const cell of cells) walk(page.readUInt32BE(cell), pages);
      walk(page.readUInt32BE(8), pages);
      return;
    }
    for (const at of cells) {
      const cell = cellOf(page, at);
      rows.push({
        rowid: cell.rowid,
        offset: (number - 1) * PAGE + cell.at,
        pages: [...pages, ...chainOf(file, cell.overflow)],
      });
    }
  };
  walk(root, []);
  return rows;
}

function cellOf(page: Buffer, at: number): Cell {
  const [size, afterSize] = varint(page, at);
  const [rowid, start] = varint(page, afterSize);
  if (size <= LOCAL_MAX) return { rowid, at: afterSize, overflow: 0 };
  const kept = LOCAL_MIN + ((size - LOCAL_MIN) % (PAGE - 4));
  const overflow = page.readUInt32BE(start + (kept <= LOCAL_MAX ? kept : LOCAL_MIN));
  return { rowid, at: afterSize, overflow };
}

function chainOf(file: Buffer, first: number): number[] {
  const pages: number[] = [];
  for (let page = first; page > 0; page = file.readUInt32BE((page - 1) * PAGE)) pages.push(page);
  return pages;
}

/** Of numbers below 2^28. */
function varint(page: Buffer, at: number): [number, number] {
  let value = 0;
  for (let i = at; ; i++) {
    const byte = page.readUInt8(i);
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, i + 1];
  }
}
