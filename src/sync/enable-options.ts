import * as z from 'zod';
import { InvalidInputError } from '../errors.ts';
import { pathSchema, textSchema } from '../model/validate.ts';
import type { Wanted } from './keys/group-key.ts';
import { readKeyFile, readPassphraseFile } from './keys/key-file.ts';
import { PULL_MODES } from './state.ts';

export const enableSchema = z.strictObject({
  tokenFile: pathSchema.optional(),
  keyFile: pathSchema.optional(),
  passphraseFile: pathSchema.optional(),
  encryption: z.boolean().default(true),
  name: textSchema.pipe(z.string().trim().min(1).max(100)).optional(),
  pull: z.enum(PULL_MODES).default('auto'),
  join: z.boolean().default(false),
});

export interface EnableOptions {
  /** Holds the token for the hub; read anew for every request. Without one none is sent. */
  tokenFile?: string;
  /** The key of the group, as 24 words or base64. */
  keyFile?: string;
  /** Its first line is the passphrase of the group. */
  passphraseFile?: string;
  /** `false` refuses end-to-end encryption: the hub then reads everything. */
  encryption?: boolean;
  /** What the other devices call this one; by default the name of the machine. */
  name?: string;
  /** How to read the hub: over HTTP, through a copy of it, or as it pays (`auto`, the default). */
  pull?: 'auto' | 'replica' | 'http';
  /** Leave the hub that this store was with for another store's. */
  join?: boolean;
}

/** Which key the options give. @throws `InvalidInputError` more than one, or a file that holds none */
export function wantedKey(options: z.output<typeof enableSchema>): Wanted {
  const { encryption, keyFile, passphraseFile } = options;
  if (
    [!encryption, keyFile !== undefined, passphraseFile !== undefined].filter(Boolean).length > 1
  ) {
    throw new InvalidInputError('give one of a key, a passphrase, and the refusal of encryption');
  }
  if (!options.encryption) return 'none';
  if (options.keyFile !== undefined) return readKeyFile(options.keyFile).secret;
  if (options.passphraseFile !== undefined)
    return readPassphraseFile(options.passphraseFile).secret;
  return undefined;
}
