import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { HubFolderError } from '../errors.ts';
import type { HubFolder } from './hub-folder.ts';
import { readOrMakePrivate, readPrivate, replacePrivate } from './private-files.ts';

export interface HubKeys {
  /** Ed25519, signs the tokens. */
  readonly privateKey: KeyObject;
  /** Its public half as sqld takes it: the 32 bytes in base64url, on one line. */
  readonly publicKey: string;
  /** Opens sqld's admin interface: 32 random bytes in base64url. */
  readonly adminKey: string;
}

const ADMIN_KEY = /^[A-Za-z0-9_-]{43}$/;

/** The keys of the folder; those that are missing are made, none is ever replaced. */
export function ensureKeys(folder: HubFolder): HubKeys {
  readOrMakePrivate(folder.privateKey, () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    return String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  });
  readOrMakePrivate(folder.adminKey, () => randomBytes(32).toString('base64url'));
  const keys = readKeys(folder);
  // It follows from the private one, so a damaged or missing file is simply written anew. Without
  // a line end: sqld takes that for a part of the key.
  if (readPrivate(folder.publicKey) !== keys.publicKey) {
    replacePrivate(folder.publicKey, keys.publicKey);
  }
  return keys;
}

/** The keys of a folder that has been set up. @throws `HubFolderError` missing or damaged */
export function readKeys(folder: HubFolder): HubKeys {
  const privateKey = parsePrivateKey(folder.privateKey);
  const adminKey = readPrivate(folder.adminKey)?.trim() ?? '';
  if (!ADMIN_KEY.test(adminKey)) throw new HubFolderError(`${folder.adminKey} holds no admin key`);
  return { privateKey, publicKey: publicHalf(privateKey), adminKey };
}

function parsePrivateKey(path: string): KeyObject {
  const text = readPrivate(path);
  if (text === undefined)
    throw new HubFolderError(`${path} does not exist: no hub was set up here`);
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Without the cause: it could quote the key.
  }
  throw new HubFolderError(`${path} holds no Ed25519 key`);
}

function publicHalf(privateKey: KeyObject): string {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (x === undefined) throw new Error('an Ed25519 key has no public half');
  return x;
}
