import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface ComposeService {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly volumes?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly cap_drop: readonly string[];
  readonly read_only: boolean;
  readonly security_opt: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

/** `docker-compose.yml` as Docker Compose reads it with these variables. @throws what it refuses */
export function readCompose(variables: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
  const file = parse(text, { merge: true }) as Record<string, unknown>;
  // Extensions are no part of the result; what refers to them holds a copy.
  const known = Object.entries(file).filter(([name]) => !name.startsWith('x-'));
  return interpolate(Object.fromEntries(known), variables) as ComposeFile;
}

/** A service of the file. @throws Error there is none of this name */
export function serviceOf(file: ComposeFile, name: string): ComposeService {
  const service = file.services[name];
  if (!service) throw new Error(`no service ${name}`);
  return service;
}

/** A `.env` file as Docker Compose reads it, as far as ours need it. */
export function parseEnv(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`not a setting: ${line}`);
      return [name, value];
    }),
  );
}

const VARIABLE = /\$(?:(\$)|\{([A-Z_]+)(?:(:[-?])([^}]*))?\}|([A-Za-z_]+))/g;

function interpolate(value: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolate(item, variables));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([name, item]) => [name, interpolate(item, variables)]));
  }
  if (typeof value !== 'string') return value;
  return value.replace(VARIABLE, (...found: (string | undefined)[]) => {
    const [, dollar, name, operator, operand = '', bare] = found;
    if (dollar !== undefined) return '$';
    const given = variables[name ?? bare ?? ''] ?? '';
    if (given !== '' || operator === undefined) return given;
    if (operator === ':?')
      throw new Error(`required variable ${name ?? ''} is missing: ${operand}`);
    return operand;
  });
}
