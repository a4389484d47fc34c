import { displayWidth, truncateToWidth } from './display-width.ts';
import { formatValue, safeLine, words } from './format.ts';
import type { Paint } from './output.ts';

export interface Column<T> {
  readonly header: string;
  readonly cell: (item: T) => string | number | null | undefined;
  /** Numbers line up at their last digit. */
  readonly align?: 'right';
  /** Gives way where the terminal is narrow. */
  readonly shrinks?: boolean;
}

const GAP = '  ';
const SHRUNK_WIDTH_MIN = 12;
/** A text that gives way is no longer than this anywhere: every row is padded to the longest. */
const SHRINKING_WIDTH_MAX = 200;

/**
 * Lines up the cells by the columns that they take on a screen.
 *
 * @param widthMax - of the terminal; without it only long texts are cut. Columns that may shrink do, and where
 *   that is not enough, all but the first of them go, the last one first
 */
export function formatTable<T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  paint: Paint,
  widthMax?: number,
): string {
  const rows = items.map((item) =>
    columns.map((column) => safeLine(String(column.cell(item) ?? ''))),
  );
  const widths = columns.map((column, i) => {
    const cells = rows.map((row) => displayWidth(row[i] ?? ''));
    const width = Math.max(displayWidth(column.header), ...cells);
    return column.shrinks ? Math.min(width, SHRINKING_WIDTH_MAX) : width;
  });
  if (widthMax !== undefined && !shrink(columns, widths, widthMax)) {
    const last = columns.findLastIndex((column) => column.shrinks);
    if (last > columns.findIndex((column) => column.shrinks)) {
      return formatTable(items, columns.toSpliced(last, 1), paint, widthMax);
    }
  }
  const render = (cells: readonly string[]) =>
    columns
      .map((column, i) =>
        pad(truncateToWidth(cells[i] ?? '', widths[i] ?? 0), widths[i] ?? 0, column),
      )
      .join(GAP)
      .trimEnd();
  const header = paint('bold', render(columns.map((column) => column.header)));
  return [header, ...rows.map(render)].join('\n');
}

/** A record as lines of name and value; a value of several lines follows indented. */
export function formatRecord(record: object, paint: Paint): string {
  const entries = Object.entries(record).map(([name, value]) => [words(name), formatValue(value)]);
  const width = Math.max(...entries.map(([name = '']) => name.length));
  return entries
    .map(([name = '', value = '']) => {
      const label = paint('bold', name.padEnd(width));
      if (!value.includes('\n')) return `${label}${GAP}${value}`;
      return `${label}\n${value.replace(/^/gm, '  ')}`;
    })
    .join('\n');
}

/**
 * Takes the columns that may shrink down to what is left of the line, the widest first.
 *
 * @returns whether they fit
 */
function shrink<T>(columns: readonly Column<T>[], widths: number[], widthMax: number): boolean {
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > widthMax) {
    let widest = -1;
    columns.forEach((column, i) => {
      const width = widths[i] ?? 0;
      if (!column.shrinks || width <= SHRUNK_WIDTH_MIN) return;
      if (widest === -1 || width > (widths[widest] ?? 0)) widest = i;
    });
    if (widest === -1) return false;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return true;
}

function pad<T>(text: string, width: number, column: Column<T>): string {
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return column.align === 'right' ? blanks + text : text + blanks;
}
