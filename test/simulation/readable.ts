import { openBytes } from '../../src/sync/seal.ts';
import { parseRoot } from '../../src/sync/roots.ts';
import type { Cell } from './canonical.ts';
import type { Device } from './device.ts';
import { piecesOf, ringsOf, type OpenedEntry } from './hub-entries.ts';
import { isPurged } from './roots.ts';
import { fail } from './violation.ts';
import type { World } from './world.ts';

/** Whoever joins can read all of the hub. */
export function checkReadable(world: World, entries: readonly OpenedEntry[]): void {
  const count = world.hub.look((probe) =>
    probe.text(`select count(*) from hub_entries where table_name <> 'chunks'`),
  );
  if (count !== String(entries.length)) {
    fail(`C7 of ${count} entries of the hub only ${entries.length} can be read`);
  }
  const [device] = world.devices as [Device];
  const whole = new Map<string, boolean>();
  for (const entry of entries) {
    const { body, key } = entry;
    const root = parseRoot(body?.root ?? '');
    if (!body || (root && isPurged(device, `${root.table}|${root.id}`))) continue;
    const pieces = readPieces(world, entry);
    if (pieces === 'missing') fail(`C7 the hub lacks a piece of the body of ${key}`);
    whole.set(body.hash, pieces === 'whole' || whole.get(body.hash) === true);
  }
  // Who has read a body under one record does not look at its pieces under another.
  for (const [hash, is] of whole) if (!is) fail(`C7 the body ${hash} cannot be read`);
}

function readPieces(world: World, entry: OpenedEntry): 'whole' | 'missing' | 'unreadable' {
  const sql = `select key_number, payload from hub_entries
    where table_name = 'chunks' and id = ? and register = ?`;
  const lying = world.hub.look((probe) => piecesOf(entry).map((key) => probe.rows(sql, key)[0]));
  if (!lying?.every((row) => row !== undefined)) return 'missing';
  const keys = piecesOf(entry);
  const read = lying.every(([keyNumber, payload], i) => {
    const [id, register] = keys[i] as [string, string];
    const key = { table: 'chunks', id, register, version: '' };
    return ringsOf(world.devices).some((ring) => opens(ring, key, Number(keyNumber), payload));
  });
  return read ? 'whole' : 'unreadable';
}

function opens(
  ring: Parameters<typeof openBytes>[0],
  key: Parameters<typeof openBytes>[1],
  keyNumber: number,
  payload: Cell | undefined,
): boolean {
  try {
    openBytes(ring, key, keyNumber, payload as unknown as Uint8Array);
    return true;
  } catch {
    return false;
  }
}
