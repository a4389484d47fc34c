import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

const FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/**
 * What tells this machine from another one: a store that was at work elsewhere was copied here.
 * Hashed, because the system's own id is nobody else's business.
 *
 * `CODEWHALE_STORE_MACHINE_ID` stands in for it, for containers and tests.
 */
export function machineId(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['CODEWHALE_STORE_MACHINE_ID']?.trim();
  const id = given ? `given ${given}` : (systemId() ?? `host ${hostname()}`);
  return createHash('sha256').update(`codewhale-store machine ${id}`).digest('hex').slice(0, 32);
}

function systemId(): string | undefined {
  for (const file of FILES) {
    try {
      const id = readFileSync(file, 'utf8').trim();
      if (id !== '') return id;
    } catch {
      // Other systems have no such file: the name of the host has to do.
    }
  }
  return undefined;
}
