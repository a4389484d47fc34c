import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempFolder } from './temp-store.ts';

const GENERATOR = fileURLToPath(new URL('make-legacy-home.mjs', import.meta.url));

/** Of every kind a few: for what has nothing to do with how many. */
export const SMALL_HOME = [
  ...['--sessions', '4', '--threads', '3', '--turns', '2', '--items', '2', '--events', '40'],
  ...['--tasks', '8', '--automations', '2', '--audit', '10', '--state-threads', '4'],
] as const;

/** What must come out of a generated home, per kind. */
export interface Manifest {
  kinds: Record<
    string,
    { importable: number; orphaned: number; rejected: number; ignored: number; unit: string }
  >;
  checks: Record<string, unknown>;
  faults: { kind: string; class: string; reason: string; where: string; count?: number }[];
}

/** Makes a legacy home; false when the generator cannot make one with these options. */
export function makeHome(home: string, ...options: string[]): boolean {
  return spawnSync(process.execPath, [GENERATOR, home, '--quiet', ...options]).status === 0;
}

/** Makes a legacy home in a folder of its own, gone after the test. */
export function legacyHome(...options: string[]): { home: string; manifest: Manifest } {
  const folder = tempFolder();
  const home = join(folder, 'home');
  const file = join(folder, 'manifest.json');
  if (!makeHome(home, '--manifest', file, ...options)) {
    throw new Error(`the generator cannot make a home with ${options.join(' ')}`);
  }
  return { home, manifest: JSON.parse(readFileSync(file, 'utf8')) as Manifest };
}
