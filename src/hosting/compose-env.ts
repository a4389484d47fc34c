import { ConflictError } from '../errors.ts';
import type { HubFolder } from './hub-folder.ts';
import type { HubKeys } from './hub-keys.ts';
import { readOrMakePrivate } from './private-files.ts';

/**
 * Writes the `.env` of `docker-compose.yml`, or leaves the one that is there as it is: it may have
 * been edited.
 *
 * @throws `ConflictError` the one that is there is not of this hub
 */
export function ensureComposeEnv(folder: HubFolder, keys: HubKeys, domain: string): void {
  const text = readOrMakePrivate(folder.env, () => composeEnv(keys, domain));
  const lines = new Set(text.split(/\r?\n/).map((line) => line.trim()));
  for (const [name, value] of secrets(keys)) {
    if (lines.has(`${name}=${value}`)) continue;
    throw new ConflictError(
      `${folder.env} has no ${name} of this hub: move it away, or give another folder`,
    );
  }
}

function secrets(keys: HubKeys): [name: string, value: string][] {
  return [
    ['HUB_JWT_PUBLIC_KEY', keys.publicKey],
    ['HUB_ADMIN_KEY', keys.adminKey],
  ];
}

function composeEnv(keys: HubKeys, domain: string): string {
  return `# Made by "codewhale-store hub init", for docker-compose.yml. It holds a secret.

# What tokens are checked with, and what opens the admin interface (inside the container only).
${secrets(keys)
  .map(([name, value]) => `${name}=${value}`)
  .join('\n')}

# tls: Caddy in front, https on the ports 80 and 443. private: plain http, for a network that is
# private already, such as WireGuard or Tailscale. More, after commas: replica.
COMPOSE_PROFILES=tls

# tls: the name of this server. Caddy gets a certificate for it; for localhost one of its own.
HUB_DOMAIN=${domain}

# private: the address of this server in the private network, and the port.
HUB_PRIVATE_ADDRESS=127.0.0.1
HUB_PRIVATE_PORT=8080

# replica: where the read replica listens, plain http.
HUB_REPLICA_ADDRESS=127.0.0.1
HUB_REPLICA_PORT=8082
`;
}
