import { jwtVerify, SignJWT } from 'jose';
import { createPublicKey } from 'node:crypto';

import * as z from 'zod';
import { pathSchema, validate } from '../model/validate.ts';
import { HubFolder } from './hub-folder.ts';
import { readKeys, type HubKeys } from './hub-keys.ts';
import { readPrivate, replacePrivate } from './private-files.ts';
import { fullPath } from '../model/full-path.ts';

const DAY_MS = 86_400_000;
/** How long a token is good for unless said otherwise, in milliseconds. */
export const TOKEN_LIFE_MS = 90 * DAY_MS;
const LIFE_MAX_MS = 3660 * DAY_MS;
const LIFE_MIN_MS = 1000;

const deviceSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'up to 64 letters, digits and . _ -, the first a letter or a digit',
  );

const optionsSchema = z.strictObject({
  dir: pathSchema,
  device: deviceSchema,
  expiresInMs: z
    .int()
    .refine((ms) => ms >= LIFE_MIN_MS && ms <= LIFE_MAX_MS, {
      error: 'a token is good for a second to ten years, in milliseconds',
    })
    .default(TOKEN_LIFE_MS),
  readOnly: z.boolean().default(false),
});

export interface HubTokenOptions {
  /** The folder of the hub, as given to `hub.init` or `hub.start`. */
  readonly dir: string;
  /** Names the token and its file. The hub does not look at it. */
  readonly device: string;
  /** How long it is good for, in milliseconds: a second to ten years; by default 90 days. */
  readonly expiresInMs?: number;
  /** It may not write. It reads everything all the same. */
  readonly readOnly?: boolean;
}

export interface HubToken {
  readonly device: string;
  /** Holds the token, for its owner only; this is what the device gets. */
  readonly tokenFile: string;
  readonly expiresAt: string;
  readonly readOnly: boolean;
}

/**
 * Makes a token for a device and writes it into `tokens/DEVICE.jwt` of the hub's folder, in place of
 * an earlier one of that name. The earlier one stays good until it expires: the hub keeps no list.
 *
 * Any token opens the whole hub, and, through SQL, the files of the user that sqld runs as.
 *
 * @throws `HubFolderError` no hub was set up in this folder
 */
export async function token(options: HubTokenOptions): Promise<HubToken> {
  const { dir, ...rest } = validate(optionsSchema, options, 'token');
  const folder = new HubFolder(fullPath(dir));
  const keys = readKeys(folder);
  return writeToken(folder.make(), keys, rest);
}

/**
 * The token that the host itself uses, with full rights: made anew where it is missing, about to
 * expire, or not of these keys.
 */
export async function ensureToken(
  folder: HubFolder,
  keys: HubKeys,
  device: string,
): Promise<string> {
  const tokenFile = folder.token(device);
  if ((await lifeLeftMs(tokenFile, keys)) < TOKEN_LIFE_MS / 3) {
    await writeToken(folder, keys, { device, expiresInMs: TOKEN_LIFE_MS, readOnly: false });
  }
  return tokenFile;
}

/** How long the token in a file has full rights, in milliseconds; 0 when it has none. */
async function lifeLeftMs(path: string, { privateKey }: HubKeys): Promise<number> {
  const text = readPrivate(path);
  if (text === undefined) return 0;
  try {
    const { payload } = await jwtVerify(text.trim(), createPublicKey(privateKey));
    return payload['a'] === undefined ? (payload.exp ?? 0) * 1000 - Date.now() : 0;
  } catch {
    return 0;
  }
}

interface Claims {
  readonly device: string;
  readonly expiresInMs: number;
  readonly readOnly: boolean;
}

async function writeToken(folder: HubFolder, keys: HubKeys, claims: Claims): Promise<HubToken> {
  const { device, expiresInMs, readOnly } = claims;
  const expiresAtS = Math.floor((Date.now() + expiresInMs) / 1000);
  // `sub` and not `id`: sqld takes that for a namespace. No `aud`: it refuses such tokens.
  const jwt = await new SignJWT(readOnly ? { a: 'ro' } : {})
    .setProtectedHeader({ alg: 'EdDSA' })
    .setSubject(device)
    .setIssuedAt()
    .setExpirationTime(expiresAtS)
    .sign(keys.privateKey);
  const tokenFile = folder.token(device);
  replacePrivate(tokenFile, jwt);
  return { device, tokenFile, expiresAt: new Date(expiresAtS * 1000).toISOString(), readOnly };
}
