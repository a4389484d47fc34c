import type { Database } from '../../db/database.ts';
import type { Transaction } from '../../db/transaction.ts';
import type { FileEntry, FileMark, SourceFile } from '../../legacy/home-entry.ts';

interface MarkRow {
  readonly path: string;
  readonly size: number;
  readonly hash: string;
  readonly records: number;
  readonly ignored: number;
  readonly ids: string;
}

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
        ['path', 'size', 'hash', 'records', 'ignored', 'ids'],
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
    return { ids: JSON.parse(row.ids) as string[], records, ignored };
  }

  /** Remembers a file of which every record came in, under the ids that they have in the store. */
  save(transaction: Transaction, entry: FileEntry, ids: readonly string[]): void {
    const { file, records, ignored } = entry;
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
