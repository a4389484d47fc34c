import { existsSync } from 'node:fs';

import * as z from 'zod';
import { pathSchema, validate } from '../model/validate.ts';
import { ensureComposeEnv } from './compose-env.ts';
import { HubFolder } from './hub-folder.ts';
import { ensureKeys } from './hub-keys.ts';
import { ensureToken } from './hub-token.ts';
import { fullPath } from '../model/full-path.ts';

const domainSchema = z
  .string()
  .max(253)
  .regex(
    /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/,
    'the name of a host, such as hub.example.org',
  );

const optionsSchema = z.strictObject({
  dir: pathSchema,
  domain: domainSchema.default('localhost'),
});

/** The token that a hub makes for itself. */
export const FIRST_TOKEN = 'hub';

export interface HubInitOptions {
  /** Where keys, tokens and `.env` go: for docker compose, the folder of `docker-compose.yml`. */
  readonly dir: string;
  /** The name of the server, for its certificate; by default `localhost`. */
  readonly domain?: string;
}

export interface HubInit {
  readonly dir: string;
  /** The file that docker compose reads. */
  readonly envFile: string;
  /** Holds a first token with full rights, for 90 days. */
  readonly tokenFile: string;
  /** False where the folder had keys: they were kept, and what was missing was added. */
  readonly created: boolean;
}

/**
 * Sets up a hub: a key pair for tokens, an admin key, a `.env` for `docker-compose.yml` and a first
 * token. Keys that are there are kept, so that it may be repeated.
 *
 * @throws `ConflictError` there is a `.env` that is not of this hub; it was left as it is
 * @throws `HubFolderError` a key that is there is damaged
 */
export async function init(options: HubInitOptions): Promise<HubInit> {
  const { dir, domain } = validate(optionsSchema, options, 'hub init');
  const folder = new HubFolder(fullPath(dir)).make();
  const created = !existsSync(folder.privateKey);
  const keys = ensureKeys(folder);
  ensureComposeEnv(folder, keys, domain);
  const tokenFile = await ensureToken(folder, keys, FIRST_TOKEN);
  return { dir: folder.dir, envFile: folder.env, tokenFile, created };
}
