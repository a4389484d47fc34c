import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import { SyncKeyError } from '../../errors.ts';

/**
 * What devices need to read each other. Keys are held as `KeyObject`: printing or logging a ring
 * shows none of them.
 */
export interface KeyRing {
  /** Hashes ids for the hub; never changes, or the hub would hold every row twice. */
  readonly idKey: KeyObject;
  /** The data keys by key number, from 1 on. */
  readonly keys: ReadonlyMap<number, KeyObject>;
  /** The number of the key that seals; all others open only. */
  readonly newest: number;
}

/** The length of every key, in bytes. */
export const KEY_BYTES = 32;

const keySchema = z.base64().transform((text, context) => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === KEY_BYTES) return createSecretKey(bytes);
  context.addIssue('a key has 32 bytes');
  return z.NEVER;
});

const ringSchema = z.strictObject({
  idKey: keySchema,
  keys: z
    .record(z.string().regex(/^[1-9]\d{0,8}$/), keySchema)
    .refine((keys) => Object.keys(keys).length > 0),
  /** Only in a store, see `heldRing`. */
  proof: z.string().optional(),
});

/** A ring with one data key, number 1. */
export function newKeyRing(): KeyRing {
  return { idKey: newKey(), keys: new Map([[1, newKey()]]), newest: 1 };
}

/** The ring with one more data key, which seals from now on; the former ones still open. */
export function nextKey(ring: KeyRing): KeyRing {
  const newest = ring.newest + 1;
  return { idKey: ring.idKey, keys: new Map([...ring.keys, [newest, newKey()]]), newest };
}

/** The ring as JSON text, keys and all: it leaves the process only locked, or into a 0600 file. */
export function serialiseKeyRing(ring: KeyRing): string {
  const keys = [...ring.keys].map(([number, key]) => [number, toBase64(key)] as const);
  return JSON.stringify({ idKey: toBase64(ring.idKey), keys: Object.fromEntries(keys) });
}

/** Whether a ring has every key of another one, each the very same. */
export function includesRing(ring: KeyRing, other: KeyRing): boolean {
  const isSame = (a: KeyObject | undefined, b: KeyObject) => a?.equals(b) ?? false;
  if (!isSame(ring.idKey, other.idKey)) return false;
  return [...other.keys].every(([number, key]) => isSame(ring.keys.get(number), key));
}

/** @throws `SyncKeyError` the text is not a key ring; nothing of it is in the message */
export function parseKeyRing(text: string): KeyRing {
  const parsed = ringSchema.safeParse(parseOrUndefined(text));
  if (!parsed.success) throw new SyncKeyError('the key ring is damaged');
  const keys = new Map(Object.entries(parsed.data.keys).map(([n, key]) => [Number(n), key]));
  return { idKey: parsed.data.idKey, keys, newest: Math.max(...keys.keys()) };
}

function newKey(): KeyObject {
  return createSecretKey(randomBytes(KEY_BYTES));
}

function toBase64(key: KeyObject): string {
  return key.export().toString('base64');
}

/** Without the error of `JSON.parse`, which quotes the text. */
function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
