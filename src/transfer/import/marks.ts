import type { Database } from '../../db/database.ts';
import type { Transaction } from '../../db/transaction.ts';
import type { FileEntry, FileMark, SourceFile } from '../../legacy/home-entry.ts';

interface MarkRow {
  readonly path: string;
  readonly kind: string;
  readonly size: number;
  readonly hash: string;
  readonly records: number;
  readonly ignored: number;
  readonly ids: string;
}

/** Between the id of a record and the other one that it has in the store. */
const SEPARATOR = '\t';
const SEPARATOR_IN_JSON = '\\t';

/** What earlier imports remember of the files of one home: the same bytes are not read twice. */
export class Marks {
  readonly #root: string;
  readonly #rows: Map<string, MarkRow>;

  private constructor(root: string, rows: readonly MarkRow[]) {
    this.#root = root;
    this.#rows = new Map(rows.map((row) => [row.path, row]));
  }

  static async load(database: Database, root: string): Promise<Marks> {
    const rows = await database.read((reader) =>
      reader.list<MarkRow>(
        ['path', 'kind', 'size', 'hash', 'records', 'ignored', 'ids'],
        'from import_sources where path >= ? and path < ?',
        [`${root}\n`, `${root}\n\u{10ffff}`],
      ),
    );
    return new Marks(root, rows);
  }

  find(file: SourceFile): FileMark | undefined {
    const row = this.#rows.get(this.#key(file));
    if (row?.size !== file.size || row.hash !== file.sha256) return undefined;
    const { records, ignored } = row;
    const ids = idsOf(row).map(([id]) => id);
    return { ids, records, ignored };
  }

  /** The records of this home that have another id in the store, whatever became of their files. */
  *renamed(): Generator<{ kind: string; id: string; storeId: string }> {
    for (const row of this.#rows.values()) {
      if (!row.ids.includes(SEPARATOR_IN_JSON)) continue;
      for (const [id, storeId] of idsOf(row)) {
        if (storeId !== undefined) yield { kind: row.kind, id, storeId };
      }
    }
  }

  /**
   * Remembers a file of which every record came in.
   *
   * @param storeIdOf - the id that a record of it has in the store
   */
  save(transaction: Transaction, entry: FileEntry, storeIdOf: (id: string) => string): void {
    const { file, records, ignored } = entry;
    const ids = entry.ids.map((id) => {
      const storeId = storeIdOf(id);
      return storeId === id ? id : `${id}${SEPARATOR}${storeId}`;
    });
    transaction.run(
      `insert into import_sources (path, kind, size, hash, records, ignored, ids, imported_at)
       values (?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (path) do update set size = excluded.size, hash = excluded.hash,
         records = excluded.records, ignored = excluded.ignored, ids = excluded.ids, imported_at = excluded.imported_at`,
      [
        this.#key(file),
        file.kind,
        file.size,
        file.sha256,
        records,
        ignored,
        JSON.stringify(ids),
        transaction.now(),
      ],
    );
  }

  #key(file: SourceFile): string {
    return `${this.#root}\n${file.path}`;
  }
}

function idsOf({ ids }: MarkRow): [id: string, storeId?: string][] {
  return (JSON.parse(ids) as string[]).map((id) => id.split(SEPARATOR) as [string, string?]);
}
