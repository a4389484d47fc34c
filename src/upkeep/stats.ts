import type { Database } from '../db/database.ts';
import type { Reader } from '../db/reader.ts';
import { pendingDocs } from '../db/search-index.ts';
import { TABLES } from '../model/registers.ts';
import { fileSize } from '../db/file-facts.ts';

export interface Stats {
  path: string;
  schemaVersion: number;
  deviceId: string;
  /** Rows per table. */
  counts: Record<string, number>;
  bytes: {
    /** The file, without its log. */
    total: number;
    wal: number;
    /** Inside the file and not used; `vacuum` gives it back. */
    free: number;
    /** Per table and index, by name. */
    tables: Record<string, number>;
  };
  /** Large bodies: how many, how long they are, and what they take compressed. */
  blobs: { count: number; bytes: number; storedBytes: number };
  /** Imported records that are not yet in the search index. */
  searchPending: number;
  /** Changes that no hub has yet; 0 while sync is off. */
  pendingSync: number;
}

/**
 * Counts rows and bytes. Reads every page of the file, so it takes a while on gigabytes.
 *
 * @param pendingSync - what sync says of itself
 */
export async function readStats(database: Database, pendingSync: number): Promise<Stats> {
  return database.read((reader) => {
    const pageSize = reader.number('pragma page_size');
    return {
      path: database.path,
      schemaVersion: reader.number('pragma user_version'),
      deviceId: reader.rows('select id from device')[0]?.[0] as string,
      counts: Object.fromEntries(
        TABLES.map(({ name }) => [name, reader.number(`select count(*) from ${name}`)]),
      ),
      bytes: {
        total: reader.number('pragma page_count') * pageSize,
        wal: fileSize(`${database.path}-wal`),
        free: reader.number('pragma freelist_count') * pageSize,
        tables: tableBytes(reader),
      },
      blobs: {
        count: reader.number('select count(*) from blobs'),
        bytes: reader.number('select sum(size) from blobs'),
        storedBytes: reader.number('select sum(length(data)) from blob_chunks'),
      },
      searchPending: pendingDocs(reader),
      pendingSync,
    };
  });
}

function tableBytes(reader: Reader): Record<string, number> {
  const rows = reader.rows(
    'select name, pgsize from dbstat where aggregate = true order by pgsize desc',
  );
  return Object.fromEntries(rows.map(([name, bytes]) => [String(name), Number(bytes)]));
}
