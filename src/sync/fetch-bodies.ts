import { hasBlob, CHUNK_BYTES } from '../db/bodies.ts';
import { SealError } from '../errors.ts';
import type { Opened } from './apply/open-entry.ts';
import { CHUNK_TABLE, chunkCount, keepChunk } from './chunks.ts';
import type { BodyRef } from '../db/content.ts';
import type { Exchange } from './exchange.ts';
import { hubId } from './keys/hash-ids.ts';
import { chunksStatement, toEntry } from './pull-statements.ts';

/** Pieces of one answer. */
const PIECES = Math.max(1, Math.floor((4 << 20) / CHUNK_BYTES));

/** Brings the large bodies here that some entries refer to, before they are applied. */
export async function fetchBodies(exchange: Exchange, opened: readonly Opened[]): Promise<void> {
  const wanted = new Map<string, BodyRef>();
  for (const one of opened) {
    const body = one.kind === 'parked' ? undefined : one.payload.h;
    if (body) wanted.set(body.hash, body);
  }
  for (const body of wanted.values()) await fetchBody(exchange, body);
}

async function fetchBody(exchange: Exchange, body: BodyRef): Promise<void> {
  const { database, hub, ring, now } = exchange;
  if (await database.read((reader) => hasBlob(reader, body.hash))) return;
  const id = hubId(ring, CHUNK_TABLE, body.hash);
  const count = chunkCount(body);
  for (let from = 0; from < count; from += PIECES) {
    const statement = chunksStatement(id, from, Math.min(count, from + PIECES));
    const [rows = []] = await hub.run([statement], 'read');
    for (const row of rows) {
      await database.write({ now }, (transaction) => {
        try {
          keepChunk(transaction, ring, body, toEntry(row));
        } catch (error) {
          // A piece that does not open is as good as missing: its entry waits.
          if (!(error instanceof SealError)) throw error;
        }
      });
    }
    if (rows.length === 0) return;
  }
}
