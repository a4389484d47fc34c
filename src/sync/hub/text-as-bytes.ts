import type { HubRow, HubValue } from './hub.ts';

// The native driver ends the process (a panic in its Rust code) when it meets text that is not UTF-8,
// and cuts text at a NUL byte. Whoever writes to the hub could do that to every device, so text is
// taken out as bytes, with one more column that says which values were text.

/** The query `sql` with `columns` columns, to be read with {@link textFromBytes}. */
export function textAsBytes(sql: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, i) => `c${i}`);
  const values = names.map(
    (c) => `case typeof(${c}) when 'text' then cast(${c} as blob) else ${c} end`,
  );
  const kinds = names.map((c) => `substr(typeof(${c}), 1, 1)`).join(' || ');
  return `with page(${names.join(', ')}) as (${sql}) select ${values.join(', ')}, ${kinds} from page`;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** The first letter of what SQLite calls the type. */
const TEXT = 't';

/** A row of such a query as the hub sends it over HTTP: bytes that are not UTF-8 become U+FFFD. */
export function textFromBytes(row: readonly HubValue[]): HubRow {
  const kinds = row.at(-1) as string;
  return row.slice(0, -1).map((value, i) => {
    if (!(value instanceof Uint8Array)) return value;
    return kinds[i] === TEXT ? utf8.decode(value) : new Uint8Array(value);
  });
}
