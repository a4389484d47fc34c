import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SealError } from '../errors.ts';
import type { KeyRing } from './keys/key-ring.ts';

/** Which entry a payload belongs to, as it stands on the hub: a payload opens nowhere else. */
export interface EntryKey {
  readonly table: string;
  readonly id: string;
  readonly register: string;
  readonly version: string;
}

export interface Sealed {
  /** The number of the key it was sealed with, 0 for none. */
  readonly keyNumber: number;
  readonly bytes: Uint8Array;
}

/** The largest content of a payload, in bytes; a compressed one could otherwise fill the memory. */
export const CONTENT_BYTES_MAX = 64 << 20;

const NO_KEY = 0;
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The first byte of the content says how the rest is written. */
const RAW = 0;
const DEFLATE = 1;
const RAW_HEAD = Buffer.of(RAW);
const DEFLATE_HEAD = Buffer.of(DEFLATE);
/** Below this, compressing saves a few hundred bytes and takes longer than sealing. */
const COMPRESS_BYTES_MIN = 1024;
/**
 * Measured on JSON of messages with code and prose, and with JSON as tool output (Node 20): size
 * left and time, level 1 against level 6.
 *
 *    2 KB   47 %, 15 µs    46 %, 17 µs       40 %, 15 µs    37 %, 18 µs
 *    8 KB   37 %, 27 µs    34 %, 48 µs       32 %, 23 µs    29 %, 61 µs
 *   60 KB   38 %, 449 µs   34 %, 1095 µs     26 %, 167 µs   23 %, 398 µs
 *
 * A tenth smaller is not worth twice the time on the way to the hub.
 */
const LEVEL = 1;

/** Random: among 2^32 payloads under one key, two nonces agree with a chance of one in 2^33. */
const nonces = Buffer.alloc(NONCE_BYTES * 1024);
let noncesUsed = nonces.length;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Compresses and seals the payload of an entry, with the newest key.
 *
 * @param ring - null where encryption was refused: then it is only compressed, under key number 0
 * @param json - well-formed text of at most 64 MiB in UTF-8
 */
export function sealPayload(ring: KeyRing | null, entry: EntryKey, json: string): Sealed {
  return sealBytes(ring, entry, Buffer.from(json));
}

/** The text of a payload that {@link unsealBytes} unsealed. @throws `SealError` it is none, whoever sealed it */
export function unpackText(content: Uint8Array): string {
  const bytes = decode(content);
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new SealError('damaged', 'the payload is not UTF-8', { cause: error });
  }
}

/** As {@link sealPayload} for bytes: the chunks of a large body. */
export function sealBytes(ring: KeyRing | null, entry: EntryKey, bytes: Uint8Array): Sealed {
  if (bytes.length > CONTENT_BYTES_MAX) throw new RangeError('a payload has at most 64 MiB');
  const content = encode(bytes);
  if (!ring) return { keyNumber: NO_KEY, bytes: content };
  const keyNumber = ring.newest;
  const nonce = nextNonce();
  const cipher = createCipheriv(ALGORITHM, keyOf(ring, keyNumber), nonce);
  cipher.setAAD(boundTo(entry, keyNumber));
  const text = cipher.update(content);
  cipher.final();
  return { keyNumber, bytes: Buffer.concat([nonce, text, cipher.getAuthTag()]) };
}

/**
 * Opens what {@link sealBytes} made. What it returns may share memory with `bytes`.
 *
 * @throws `SealError` it cannot be opened; `reason` says why
 */
export function openBytes(
  ring: KeyRing | null,
  entry: EntryKey,
  keyNumber: number,
  bytes: Uint8Array,
): Uint8Array {
  return decode(unsealBytes(ring, entry, keyNumber, bytes));
}

/**
 * What somebody of the group sealed for this very entry, still packed; without encryption as it came.
 *
 * @throws `SealError` nobody of the group did, or the key is not here
 */
export function unsealBytes(
  ring: KeyRing | null,
  entry: EntryKey,
  keyNumber: number,
  bytes: Uint8Array,
): Uint8Array {
  if (ring) return unseal(ring, entry, keyNumber, bytes);
  if (keyNumber === NO_KEY) return bytes;
  throw new SealError('key', 'the payload is sealed, and this device has no key');
}

function unseal(ring: KeyRing, entry: EntryKey, keyNumber: number, bytes: Uint8Array): Uint8Array {
  // Whoever can write to the hub could otherwise slip in what no device has sealed.
  if (keyNumber === NO_KEY) throw new SealError('unsealed', 'the payload is not sealed');
  const key = keyOf(ring, keyNumber);
  const textEnd = bytes.length - TAG_BYTES;
  if (textEnd < NONCE_BYTES) throw new SealError('damaged', 'the payload is too short');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(entry, keyNumber));
  decipher.setAuthTag(bytes.subarray(textEnd));
  const content = decipher.update(bytes.subarray(NONCE_BYTES, textEnd));
  try {
    decipher.final();
  } catch (error) {
    const message = 'the payload was changed, or belongs to another entry';
    throw new SealError('damaged', message, { cause: error });
  }
  return content;
}

function keyOf(ring: KeyRing, keyNumber: number) {
  const key = ring.keys.get(keyNumber);
  if (key) return key;
  throw new SealError('key', 'the payload is sealed with a key that this device does not have');
}

function encode(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= COMPRESS_BYTES_MIN) {
    const small = deflateRawSync(bytes, { level: LEVEL });
    if (small.length < bytes.length) return Buffer.concat([DEFLATE_HEAD, small]);
  }
  return Buffer.concat([RAW_HEAD, bytes]);
}

function decode(content: Uint8Array): Uint8Array {
  const rest = content.subarray(1);
  switch (content[0]) {
    case RAW:
      if (rest.length > CONTENT_BYTES_MAX)
        throw new SealError('damaged', 'the payload is too large');
      return rest;
    case DEFLATE:
      return inflate(rest);
    default:
      throw new SealError('damaged', 'the payload has no known form');
  }
}

function inflate(bytes: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(bytes, { maxOutputLength: CONTENT_BYTES_MAX });
  } catch (error) {
    const message = 'the payload cannot be inflated, or is too large';
    throw new SealError('damaged', message, { cause: error });
  }
}

function boundTo(entry: EntryKey, keyNumber: number): Buffer {
  const { table, id, register, version } = entry;
  return Buffer.from(JSON.stringify([table, id, register, version, keyNumber]));
}

/** Asking for 12 random bytes at a time would take a third of the time of sealing. */
function nextNonce(): Buffer {
  if (noncesUsed === nonces.length) {
    randomFillSync(nonces);
    noncesUsed = 0;
  }
  noncesUsed += NONCE_BYTES;
  return nonces.subarray(noncesUsed - NONCE_BYTES, noncesUsed);
}
