import { hasBlob, CHUNK_BYTES } from '../db/bodies.ts';
import type { BodyRef } from '../db/content.ts';
import { SealError } from '../errors.ts';
import type { Opened } from './apply/open-entry.ts';
import { chunkCount, chunkId, chunkRegister, keepChunk } from './chunks.ts';
import type { Exchange } from './exchange.ts';
import type { HubRow } from './hub/hub.ts';
import { chunksStatement } from './pull-statements.ts';

/** Pieces of one answer. */
const PIECES = Math.max(1, Math.floor((4 << 20) / CHUNK_BYTES));

/** Brings the large bodies here that some entries refer to, before they are applied. */
export async function fetchBodies(exchange: Exchange, opened: readonly Opened[]): Promise<void> {
  const wanted = new Map<string, BodyRef>();
  for (const one of opened) {
    const body = one.kind === 'parked' ? undefined : one.payload.h;
    if (body) wanted.set(`${body.root ?? ''} ${body.hash}`, body);
  }
  for (const body of wanted.values()) await fetchBody(exchange, body);
}

async function fetchBody(exchange: Exchange, body: BodyRef): Promise<void> {
  const { database, hub, ring } = exchange;
  if (await database.read((reader) => hasBlob(reader, body.hash))) return;
  const positions = Array.from({ length: chunkCount(body) }, (_, position) => position);
  for (let from = 0; from < positions.length; from += PIECES) {
    const some = positions.slice(from, from + PIECES);
    const byRegister = new Map(some.map((place) => [chunkRegister(ring, body, place), place]));
    const statement = chunksStatement(chunkId(ring, body.root ?? ''), [...byRegister.keys()]);
    const [rows = []] = await hub.run([statement], 'read');
    for (const row of rows) await keep(exchange, body, byRegister.get(String(row[0])), row);
    if (rows.length === 0) return;
  }
}

async function keep(
  { database, ring, now }: Exchange,
  body: BodyRef,
  position: number | undefined,
  [, keyNumber, payload]: HubRow,
): Promise<void> {
  if (position === undefined || !(payload instanceof Uint8Array)) return;
  await database.write({ now }, (transaction) => {
    try {
      keepChunk(transaction, ring, body, position, { keyNumber: Number(keyNumber), payload });
    } catch (error) {
      // A piece that does not open is as good as missing: its entry waits.
      if (!(error instanceof SealError)) throw error;
    }
  });
}
