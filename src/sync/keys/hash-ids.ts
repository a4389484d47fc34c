import { createHmac } from 'node:crypto';
import type { KeyRing } from './key-ring.ts';

/** Half a SHA-256: two of 2^48 ids agree with a chance of one in 2^33. */
const HASH_BYTES = 16;

/**
 * The id under which the hub knows a row: a keyed hash, so that the hub cannot tell what it is, and
 * the same on every device. Without encryption the id itself.
 */
export function hubId(ring: KeyRing | null, table: string, id: string): string {
  return ring ? keyedHash(ring, [table, id]) : id;
}

/**
 * The register under which the hub knows an immutable row. The plain hash of a content would tell
 * the hub who guesses it right. Names of mutable registers stay as they are.
 */
export function hubRegister(ring: KeyRing | null, table: string, contentHash: string): string {
  return ring ? keyedHash(ring, [table, 'register', contentHash]) : contentHash;
}

/** By this devices of a group know that one of them named a push so. Without encryption nothing tells. */
export function markHash(
  ring: KeyRing | null,
  device: string,
  number: number,
  nonce: string,
): string {
  return ring ? keyedHash(ring, ['push', device, String(number), nonce]) : '';
}

function keyedHash(ring: KeyRing, parts: readonly string[]): string {
  const hash = createHmac('sha256', ring.idKey).update(JSON.stringify(parts)).digest();
  return hash.toString('base64url', 0, HASH_BYTES);
}
