import { truncateToWidth } from './display-width.ts';
import { foreignLine, localTime } from './format.ts';
import type { Column } from './table.ts';

/** A column with the member of this name, as it is. */
export function column<T>(
  header: string,
  cell: Column<T>['cell'],
  options: Pick<Column<T>, 'align' | 'shrinks'> = {},
): Column<T> {
  return { header, cell, ...options };
}

/** A column with names and ids of other devices, which may be of any length. */
export function foreignColumn<T>(header: string, cell: (item: T) => string): Column<T> {
  return { header, cell: (item) => foreignLine(cell(item)) };
}

export function idColumn<T extends { id: string }>(): Column<T> {
  return { header: 'ID', cell: (item) => item.id };
}

/** A column of local times, to the minute. */
export function timeColumn<T>(header: string, time: (item: T) => string | null): Column<T> {
  return { header, cell: (item) => localTime(time(item)).slice(0, 'YYYY-MM-DD hh:mm'.length) };
}

/** A column of local times, to the second. */
export function secondColumn<T>(header: string, time: (item: T) => string): Column<T> {
  return { header, cell: (item) => localTime(time(item)) };
}

/** A column of long text, which gives way on a narrow terminal. */
export function textColumn<T>(header: string, cell: Column<T>['cell']): Column<T> {
  return { header, cell, shrinks: true };
}

export function numberColumn<T>(header: string, cell: Column<T>['cell']): Column<T> {
  return { header, cell, align: 'right' };
}

const JSON_WIDTH_MAX = 100;

/** A column with the beginning of a value of any shape. */
export function jsonColumn<T>(header: string, value: (item: T) => unknown): Column<T> {
  return {
    header,
    shrinks: true,
    cell: (item) => {
      const json = JSON.stringify(value(item) ?? null);
      return json === 'null'
        ? ''
        : truncateToWidth(json.slice(0, 10 * JSON_WIDTH_MAX), JSON_WIDTH_MAX);
    },
  };
}
