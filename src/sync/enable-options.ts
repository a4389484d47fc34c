import { hostname } from 'node:os';

import * as z from 'zod';
import { InvalidInputError } from '../errors.ts';
import { pathSchema, textSchema } from '../model/validate.ts';
import type { EnableSettings } from './enable.ts';
import { hubAddress } from './hub/hub-address.ts';
import { NO_KEYS, type Wanted } from './keys/group-key.ts';
import { readKeyFile } from './keys/key-file.ts';
import { fileWarnings, readPassphrase } from './secret-warnings.ts';
import { PULL_MODES, type SyncState } from './state.ts';
import { fullPath } from '../model/full-path.ts';

/** What the other devices call one. */
export const nameSchema = textSchema.pipe(
  z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]+$/u, 'a name has no control characters'),
);

export const enableSchema = z.strictObject({
  tokenFile: pathSchema.optional(),
  keyFile: pathSchema.optional(),
  passphraseFile: pathSchema.optional(),
  encryption: z.boolean().optional(),
  name: nameSchema.optional(),
  pull: z.enum(PULL_MODES).optional(),
  join: z.boolean().default(false),
});

type Checked = z.output<typeof enableSchema>;

/** What is not given stays as it was with this hub; of another hub only the name stays. */
export interface EnableOptions {
  /** Holds the token for the hub; read anew for every request. Without one none is sent. */
  tokenFile?: string;
  /** The key of the group, as 24 words or base64. */
  keyFile?: string;
  /** Its first line is the passphrase of the group. */
  passphraseFile?: string;
  /** `false` refuses end-to-end encryption: the hub then reads everything. By default `true`. */
  encryption?: boolean;
  /** What the other devices call this one; by default the name of the machine. */
  name?: string;
  /** How to read the hub: over HTTP, through a copy of it, or as it pays (`auto`, the default). */
  pull?: 'auto' | 'replica' | 'http';
  /** Leave the hub that this store was with for another store's. */
  join?: boolean;
}

/**
 * What the options mean for a store that was with a hub before, or never.
 *
 * @throws `InvalidInputError` more than one key, or a file that holds none
 */
export function settingsOf(
  url: string,
  options: Checked,
  former: SyncState | undefined,
): { settings: EnableSettings; warnings: string[] } {
  const kept = former && hubAddress(former.url).base === hubAddress(url).base ? former : undefined;
  const { wanted, warnings } = wantedKey(options);
  const { tokenFile } = options;
  if (tokenFile !== undefined) warnings.push(...fileWarnings('token file', tokenFile));
  const refusedBefore = options.encryption === undefined && kept?.keyCheck === NO_KEYS;
  const settings = {
    url,
    tokenFile: tokenFile === undefined ? (kept?.tokenFile ?? null) : fullPath(tokenFile),
    key: wanted ?? (refusedBefore ? 'none' : undefined),
    name: options.name ?? former?.deviceName ?? hostname(),
    pull: options.pull ?? kept?.pull ?? 'auto',
    join: options.join,
  } as const;
  return { settings, warnings };
}

function wantedKey(options: Checked): { wanted: Wanted; warnings: string[] } {
  const { encryption, keyFile, passphraseFile } = options;
  const given = [encryption === false, keyFile !== undefined, passphraseFile !== undefined];
  if (given.filter(Boolean).length > 1) {
    throw new InvalidInputError('give one of a key, a passphrase, and the refusal of encryption');
  }
  if (encryption === false) return { wanted: 'none', warnings: [] };
  if (keyFile !== undefined) {
    const { secret } = readKeyFile(keyFile);
    return { wanted: secret, warnings: fileWarnings('key file', keyFile) };
  }
  if (passphraseFile === undefined) return { wanted: undefined, warnings: [] };
  const { secret, warnings } = readPassphrase(passphraseFile);
  return { wanted: secret, warnings };
}
