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

/** Before the hash of a file of which not every record came in: it is read again. */
const PARTLY = 'partly ';
/** Between the id of a record and the other one that it has in the store. */
const SEPARATOR = '\t';
const SEPARATOR_IN_JSON = '\\t';

/** What earlier imports remember of the files of one home: the same bytes are not read twice. */
export class Marks {
  readonly #root: string;
  readonly #rows: Map<string, MarkRow>;
  /** Paths that this run has met as an earlier one left them. */
  readonly #same = new Set<string>();

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

  /** What is remembered of a file of which every record came in; it is not read again. */
  find(file: SourceFile): FileMark | undefined {
    const row = this.#rows.get(this.#key(file.path));
    if (row?.size !== file.size) return undefined;
    const isWhole = row.hash === file.sha256;
    if (!isWhole && row.hash !== `${PARTLY}${file.sha256}`) return undefined;
    this.#same.add(file.path);
    if (!isWhole) return undefined;
    const { records, ignored } = row;
    const ids = idsOf(row).map(([id]) => id);
    return { ids, records, ignored };
  }

  /** How a file stands to the last import of this home. */
  stateOf(path: string): 'new' | 'changed' | 'same' {
    if (!this.#rows.has(this.#key(path))) return 'new';
    return this.#same.has(path) ? 'same' : 'changed';
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
   * Remembers a file. Only one of which every record came in is passed over the next time.
   *
   * @param taken - the store took all records that were read
   * @param storeIdOf - the id that a record of it has in the store
   */
  save(
    transaction: Transaction,
    entry: FileEntry,
    taken: boolean,
    storeIdOf: (id: string) => string,
  ): void {
    const { file, records, ignored, failed, orphaned } = entry;
    const isWhole = taken && failed === 0 && orphaned === 0;
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
        this.#key(file.path),
        file.kind,
        file.size,
        isWhole ? file.sha256 : `${PARTLY}${file.sha256}`,
        records,
        ignored,
        JSON.stringify(ids),
        transaction.now(),
      ],
    );
  }

  #key(path: string): string {
    return `${this.#root}\n${path}`;
  }
}

function idsOf({ ids }: MarkRow): [id: string, storeId?: string][] {
  return (JSON.parse(ids) as string[]).map((id) => id.split(SEPARATOR) as [string, string?]);
}
