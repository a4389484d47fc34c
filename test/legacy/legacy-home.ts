import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  ArtifactEntry,
  FileEntry,
  HomeEntry,
  ProblemEntry,
  ReadHooks,
  RecordEntry,
} from '../../src/legacy/home-entry.ts';
import { readHome } from '../../src/legacy/read-home.ts';
import { homeAt, type LegacyHome } from '../../src/legacy/resolve-homes.ts';
import { tempFolder } from '../support/temp-store.ts';

process.env['RUST_LOG'] = 'off';

/** A home with these files. */
export function homeOf(files: Record<string, string | Buffer>): string {
  const dir = tempFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

/** Everything that reading a home gave, by type. */
export interface Reading {
  all: HomeEntry[];
  records: RecordEntry[];
  problems: ProblemEntry[];
  files: FileEntry[];
  artifacts: ArtifactEntry[];
}

export async function readAll(
  home: string | LegacyHome,
  hooks: Partial<ReadHooks> = {},
): Promise<Reading> {
  const all: HomeEntry[] = [];
  const where = typeof home === 'string' ? homeAt(home) : home;
  const store = join(tempFolder(), 'store.db');
  const complete = { mark: () => undefined, known: () => false, store, ...hooks };
  for await (const entry of readHome(where, complete)) all.push(entry);
  return {
    all,
    records: all.filter((entry) => entry.type === 'record'),
    problems: all.filter((entry) => entry.type === 'problem'),
    files: all.filter((entry) => entry.type === 'file'),
    artifacts: all.filter((entry) => entry.type === 'artifact'),
  };
}

/** `kind class reason` of each problem, without those that only note an oddity. */
export function reasons(reading: Reading): string[] {
  return reading.problems
    .filter((problem) => problem.class !== 'anomaly')
    .map((problem) => `${problem.kind} ${problem.class} ${problem.reason}`)
    .sort();
}

export const thread = (extra: object = {}) => ({
  schema_version: 2,
  id: 'thr_00000001',
  created_at: '2026-08-18T09:15:02Z',
  updated_at: '2026-08-18T09:15:02Z',
  model: 'm',
  workspace: '/w',
  mode: 'agent',
  allow_shell: true,
  trust_mode: false,
  auto_approve: false,
  ...extra,
});

export const session = (extra: object = {}, metadata: object = {}) => ({
  metadata: {
    id: 's-1',
    title: 'New Session',
    created_at: '2026-02-20T10:00:00Z',
    updated_at: '2026-02-20T10:00:00Z',
    message_count: 0,
    total_tokens: 0,
    model: 'm',
    workspace: '/w',
    ...metadata,
  },
  messages: [],
  ...extra,
});
