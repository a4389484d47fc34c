import { loadBody, type BodyColumns } from '../db/bodies.ts';
import { parseBlob } from '../db/large-bodies.ts';
import { DamagedStoreError } from '../errors.ts';
import type { Runner } from './runner.ts';

/** The parsed body of a row that does not change, read piece by piece. */
export async function readLargeBody(
  runner: Runner,
  table: 'runtime_events' | 'session_messages',
  id: string,
  bodyHash: string,
): Promise<unknown> {
  try {
    return await parseBlob(runner, bodyHash);
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    // Somebody may have purged it between two pieces: in one view it is what it is now.
    const body = await runner.read((reader) => {
      const sql = `from ${table} where id = ?`;
      const row = reader.first<BodyColumns>(['body', 'body_hash'], sql, [id]);
      return row ? loadBody(reader, row) : 'null';
    });
    return JSON.parse(body);
  }
}
