import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import * as z from 'zod';
import { InvalidInputError, SyncKeyError } from '../../errors.ts';
import { KEY_BYTES, parseKeyRing, serialiseKeyRing, type KeyRing } from './key-ring.ts';

/** What opens the key ring on the hub: a random key that the user carries, or a passphrase. */
export type LockSecret = { readonly key: Uint8Array } | { readonly passphrase: string };

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';
const SALT_BYTES = 16;
/** 128 MiB and about a third of a second for every guess at a passphrase. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;

/** Bounded, because the hub chooses the numbers: it must not make a device take all its memory. */
const kdfSchema = z.strictObject({
  salt: z.base64().max(100),
  N: z.literal([2 ** 17, 2 ** 18, 2 ** 19]),
  r: z.literal(8),
  p: z.int().min(1).max(4),
});

const keyCheckSchema = z.strictObject({
  /** The newest key number of the ring inside. */
  number: z.int().min(1),
  /** How the lock key comes from the passphrase; null where it is a random key. */
  kdf: kdfSchema.nullable(),
  /** The ring, locked: nonce, ciphertext and tag as base64. */
  ring: z.base64().max(1_000_000),
});

/** The key ring as the hub keeps it, locked. */
export type KeyCheck = Readonly<z.output<typeof keyCheckSchema>>;

/** A new random lock key; see `keyToPhrase` and `writeKeyFile` for how it travels. */
export function newLockKey(): LockSecret {
  return { key: randomBytes(KEY_BYTES) };
}

/** Reads what the hub keeps as its key check; undefined: it is none. */
export function findKeyCheck(text: string): KeyCheck | undefined {
  try {
    return keyCheckSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws `SyncKeyError` it is none, or one of a newer version */
export function parseKeyCheck(text: string): KeyCheck {
  const found = findKeyCheck(text);
  if (found) return found;
  throw new SyncKeyError(
    'the key check of the hub is damaged, or of a newer version',
    'A device that syncs already sets it right: run "codewhale-store sync now" there. Else upgrade codewhale-store here.',
  );
}

/**
 * Locks the ring for the hub.
 *
 * @throws `InvalidInputError` the key is not 32 bytes, or the passphrase is empty
 */
export async function lockRing(ring: KeyRing, secret: LockSecret): Promise<KeyCheck> {
  const number = ring.newest;
  const kdf =
    'passphrase' in secret ? { salt: randomBytes(SALT_BYTES).toString('base64'), ...SCRYPT } : null;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, await lockKey(secret, kdf), nonce);
  cipher.setAAD(purpose(number));
  const text = cipher.update(serialiseKeyRing(ring), 'utf8');
  cipher.final();
  const locked = Buffer.concat([nonce, text, cipher.getAuthTag()]);
  return { number, kdf, ring: locked.toString('base64') };
}

/**
 * Opens the key ring of the hub, and so checks the key before anything is sent.
 *
 * A ring older than `knownNumber` opens as well: the hub was restored to an earlier state, or plays
 * one back. The caller then keeps the newer ring that it has, and never seals with the older.
 *
 * @param check - null for a hub that is set up without encryption
 * @param secret - null when the user gave none
 * @param knownNumber - the newest key number that this device has had of this hub, 0 for none
 * @returns null for a hub without encryption
 * @throws `SyncKeyError` the key is wrong, was rotated, is missing, or the hub is not encrypted
 * @throws `InvalidInputError` the key is not 32 bytes, or the passphrase is empty
 */
export async function openRing(
  check: KeyCheck | null,
  secret: LockSecret | null,
  knownNumber = 0,
): Promise<KeyRing | null> {
  if (!check) {
    if (!secret && knownNumber === 0) return null;
    throw new SyncKeyError('the hub is not encrypted, but a key was given for it');
  }
  const rotated = knownNumber > 0 && check.number > knownNumber;
  if (!secret) {
    if (rotated) throw rotatedError(check.number, knownNumber);
    throw new SyncKeyError('the hub is encrypted, and no key was given');
  }
  const ring = await unlock(check, secret);
  if (ring) return ring;
  if (rotated) throw rotatedError(check.number, knownNumber);
  throw new SyncKeyError(wrongSecret(check, secret));
}

/** @returns undefined when the secret does not open the ring */
async function unlock(check: KeyCheck, secret: LockSecret): Promise<KeyRing | undefined> {
  const byPassphrase = 'passphrase' in secret;
  if (byPassphrase !== (check.kdf !== null)) return undefined;
  return unlockWith(check, await lockKey(secret, check.kdf));
}

/**
 * @param key - the random key, or the one that comes from the passphrase; 32 bytes
 * @returns undefined when the key does not open the ring
 */
export function unlockWith(check: KeyCheck, key: Uint8Array): KeyRing | undefined {
  const locked = Buffer.from(check.ring, 'base64');
  if (locked.length < NONCE_BYTES + TAG_BYTES || key.length !== KEY_BYTES) return undefined;
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv(ALGORITHM, key, locked.subarray(0, NONCE_BYTES), options);
  decipher.setAAD(purpose(check.number));
  decipher.setAuthTag(locked.subarray(-TAG_BYTES));
  const text = decipher.update(locked.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return parseKeyRing(text.toString('utf8'));
}

async function lockKey(secret: LockSecret, kdf: KeyCheck['kdf']): Promise<Uint8Array> {
  if ('passphrase' in secret && kdf) return stretch(secret.passphrase, kdf);
  if ('key' in secret && secret.key.length === KEY_BYTES) return secret.key;
  throw new InvalidInputError('the key does not have 32 bytes');
}

function stretch(passphrase: string, kdf: NonNullable<KeyCheck['kdf']>): Promise<Uint8Array> {
  if (passphrase === '') throw new InvalidInputError('the passphrase is empty');
  const { salt, N, r, p } = kdf;
  // One accented letter has several spellings in Unicode, and keyboards differ in which they send.
  const text = passphrase.normalize('NFKC');
  // What scrypt needs, and a little more: Node counts its own overhead.
  const maxmem = 128 * r * (N + p) + (1 << 20);
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer) => {
      if (error) reject(error);
      else resolve(key);
    };
    scrypt(text, Buffer.from(salt, 'base64'), KEY_BYTES, { N, r, p, maxmem }, done);
  });
}

/** Bound to the ring, so that the hub can neither renumber it nor pass off another text as one. */
function purpose(number: number): Buffer {
  return Buffer.from(JSON.stringify(['codewhale-store key ring', number]));
}

function rotatedError(number: number, knownNumber: number): SyncKeyError {
  return new SyncKeyError(
    `the key of the hub was rotated: it is at key ${number}, this device knows key ${knownNumber}`,
    'Bring the key from the device that rotated it: "codewhale-store sync key" prints it there. If none did, somebody ' +
      'wrote over the lock: look who has a token for the hub, and start an empty one at the same address, which the ' +
      'first device that comes fills again.',
  );
}

function wrongSecret(check: KeyCheck, secret: LockSecret): string {
  if ('passphrase' in secret) {
    if (check.kdf) return 'the passphrase does not open this hub';
    return 'this hub opens with a key (a key file or words), not with a passphrase';
  }
  if (check.kdf) return 'this hub opens with a passphrase, not with a key';
  return 'the key does not open this hub';
}
