import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compareState } from './compare-state-db.ts';
import {
  canonical,
  firstDifference,
  member,
  readJson,
  stringAt,
  type Json,
} from './lossless-json.ts';

/** What a manifest says must come through, per kind. */
export interface Expected {
  kinds: Record<string, { importable: number; orphaned: number }>;
}

interface RecordFolder {
  readonly kind: string;
  readonly folder: string;
  /** Also the folders in it. */
  readonly nested?: boolean;
  readonly id: (value: Json, name: string) => string | undefined;
  readonly timed?: boolean;
}

const inner =
  (...path: string[]) =>
  (value: Json) =>
    stringAt(value, ...path);
const byName = (_: Json, name: string) => name;

const FOLDERS: readonly RecordFolder[] = [
  { kind: 'sessions', folder: 'sessions', id: inner('metadata', 'id') },
  { kind: 'session_goals', folder: 'sessions/.goals', id: byName, timed: true },
  { kind: 'work_graph_archive', folder: 'sessions/.work-graph-import-archive', id: byName },
  { kind: 'checkpoints', folder: 'sessions/checkpoints', id: byName, timed: true },
  { kind: 'threads', folder: 'tasks/runtime/threads', id: inner('id') },
  { kind: 'turns', folder: 'tasks/runtime/turns', id: inner('id') },
  { kind: 'items', folder: 'tasks/runtime/items', id: inner('id') },
  { kind: 'runtime_goals', folder: 'tasks/runtime/goals', id: inner('thread_id') },
  { kind: 'agent_mail', folder: 'tasks/runtime/agent-mail', id: inner('message_id') },
  { kind: 'tasks', folder: 'tasks/tasks', id: inner('id') },
  { kind: 'automations', folder: 'automations/automations', id: inner('id') },
  { kind: 'automation_runs', folder: 'automations/runs', nested: true, id: inner('id') },
  { kind: 'triggers', folder: 'automations/triggers', id: inner('trigger_id') },
];
/** Files of one record each, and what lies in a folder of records without being one of them. */
const SINGLE: readonly (readonly [kind: string, path: string])[] = [
  ['session_boot_owners', 'sessions/session_boot_owners.json'],
  ['offline_queue', 'sessions/checkpoints/offline_queue.json'],
  ['task_queue', 'tasks/queue.json'],
  ['runtime_state', 'tasks/runtime/state.json'],
  ['runtime_owner', 'tasks/runtime/owner.json'],
];
const NO_RECORDS = new Set(SINGLE.map(([, path]) => path));

/**
 * Compares what a home holds with what an export of it holds, record by record.
 *
 * @param expected - how many records of each kind must have come through; the rest was refused
 * @returns what differs, one sentence each; empty when nothing does
 */
export function compareHomes(a: string, b: string, expected: Expected): string[] {
  const found: string[] = [];
  const counts = new Map<string, number>();
  for (const folder of FOLDERS) counts.set(folder.kind, compareFolder(a, b, folder, found));
  for (const [kind, path] of SINGLE) counts.set(kind, compareSingle(a, b, kind, path, found));
  counts.set('session_index', compareLines(a, b, ['session_index.jsonl'], found));
  counts.set('audit', compareLines(a, b, ['audit.log.1', 'audit.log'], found));
  counts.set('events', compareLogs(a, b, 'tasks/runtime/events', '.jsonl', found));
  counts.set('approval_receipts', compareReceipts(a, b, found));
  for (const [table, count] of compareState(a, b, found)) counts.set(`state.${table}`, count);
  compareArtifacts(a, b, found);
  for (const [kind, { importable, orphaned }] of Object.entries(expected.kinds)) {
    const count = counts.get(kind) ?? 0;
    if (count !== importable + orphaned) {
      found.push(`${kind}: ${count} records came through, not ${importable + orphaned}`);
    }
  }
  return found;
}

/** Every record of `b` must be in `a` under the same id; returns how many there are. */
function compareFolder(a: string, b: string, spec: RecordFolder, found: string[]): number {
  const originals = new Map<string, { text: string; file: string }[]>();
  for (const { file, name } of jsonFiles(a, spec)) {
    const value = tryRead(file);
    const id = value && spec.id(value, name);
    if (value === undefined || id === undefined) continue;
    originals.set(id, [...(originals.get(id) ?? []), { text: canonical(value), file }]);
  }
  const seen = new Set<string>();
  for (const { file, name } of jsonFiles(b, spec)) {
    const value = readJson(readFileSync(file, 'utf8'));
    const id = spec.id(value, name) ?? name;
    if (seen.has(id)) found.push(`${spec.kind} ${id}: exported twice`);
    seen.add(id);
    const text = canonical(value);
    const candidates = originals.get(id) ?? [];
    const same = candidates.find((original) => original.text === text);
    if (!same) {
      found.push(`${spec.kind} ${id}: ${firstDifference(candidates[0]?.text ?? '', text)}`);
    } else if (spec.timed && !sameTime(same.file, file)) {
      found.push(`${spec.kind} ${id}: the file has another time`);
    }
  }
  return seen.size;
}

function jsonFiles(home: string, spec: RecordFolder): { file: string; name: string }[] {
  const root = join(home, spec.folder);
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true, recursive: spec.nested === true })
    .filter(
      (entry) => entry.isFile() && entry.name.endsWith('.json') && !entry.name.startsWith('.'),
    )
    .map((entry) => ({
      file: join(entry.parentPath, entry.name),
      name: entry.name.slice(0, -'.json'.length),
    }))
    .filter(({ file }) => !NO_RECORDS.has(file.slice(home.length + 1).replaceAll('\\', '/')));
}

function compareSingle(a: string, b: string, kind: string, path: string, found: string[]): number {
  if (!existsSync(join(b, path))) return 0;
  const old = tryRead(join(a, path));
  const now = readJson(readFileSync(join(b, path), 'utf8'));
  if (kind === 'runtime_state') return compareCounter(old, now, found);
  const [before, after] = [old ? canonical(old) : '', canonical(now)];
  if (before !== after) found.push(`${kind}: ${firstDifference(before, after)}`);
  if (kind === 'offline_queue' && !sameTime(join(a, path), join(b, path))) {
    found.push(`${kind}: the file has another time`);
  }
  return 1;
}

/** The counter may rise: with a lower one the old program would give numbers out twice. */
function compareCounter(old: Json | undefined, now: Json, found: string[]): number {
  const next = (value: Json | undefined) => {
    const word = value && member(value, 'next_seq');
    return BigInt(word?.type === 'word' ? word.text : '-1');
  };
  if (next(now) < next(old)) found.push(`runtime_state: ${next(now)} is below ${next(old)}`);
  return 1;
}

function compareLogs(
  a: string,
  b: string,
  folder: string,
  extension: string,
  found: string[],
): number {
  const root = join(b, folder);
  if (!existsSync(root)) return 0;
  let count = 0;
  for (const name of readdirSync(root)) {
    if (name.endsWith(extension)) count += compareLines(a, b, [`${folder}/${name}`], found);
  }
  return count;
}

function compareReceipts(a: string, b: string, found: string[]): number {
  const root = join(b, 'sessions');
  if (!existsSync(root)) return 0;
  let count = 0;
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = `sessions/${entry.name}/approval_receipts.jsonl`;
    if (entry.isDirectory() && existsSync(join(b, path))) {
      count += compareLines(a, b, [path], found);
    }
  }
  return count;
}

/** The lines of `b` must be lines of `a` in the same order; returns how many there are. */
function compareLines(a: string, b: string, paths: readonly string[], found: string[]): number {
  const linesOf = (home: string) =>
    paths
      .filter((path) => existsSync(join(home, path)))
      .flatMap((path) => readFileSync(join(home, path), 'utf8').split('\n'));
  const old = linesOf(a).flatMap((line) => tryCanonical(line) ?? []);
  let at = 0;
  let count = 0;
  for (const line of linesOf(b)) {
    if (line === '') continue;
    count++;
    const text = canonical(readJson(line));
    const place = old.indexOf(text, at);
    if (place >= 0) at = place + 1;
    else {
      found.push(`${paths.join(' ')} line ${count}: ${firstDifference(old[at] ?? '', text)}`);
    }
  }
  return count;
}

function tryCanonical(line: string): string | undefined {
  try {
    return canonical(readJson(line));
  } catch {
    return undefined;
  }
}

function tryRead(file: string): Json | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      readFileSync(file),
    );
    return readJson(text);
  } catch {
    return undefined;
  }
}

function sameTime(a: string, b: string): boolean {
  return Math.round(statSync(a).mtimeMs) === Math.round(statSync(b).mtimeMs);
}

/** Files of sessions and tasks that exist: same places, same bytes. */
function compareArtifacts(a: string, b: string, found: string[]): void {
  const exported = new Set(artifactsOf(b));
  for (const path of exported) {
    const old = existsSync(join(a, path)) ? readFileSync(join(a, path)) : undefined;
    if (!old?.equals(readFileSync(join(b, path)))) found.push(`artifact ${path}: other bytes`);
  }
  for (const path of artifactsOf(a)) {
    const ownerId = basename(path.startsWith('tasks/') ? dirname(path) : dirname(dirname(path)));
    const owner = path.startsWith('tasks/') ? `tasks/tasks/${ownerId}` : `sessions/${ownerId}`;
    if (existsSync(join(b, `${owner}.json`)) && !exported.has(path)) {
      found.push(`artifact ${path}: not exported`);
    }
  }
}

function artifactsOf(home: string): string[] {
  return ['sessions', 'tasks'].flatMap((root) => {
    if (!existsSync(join(home, root))) return [];
    return readdirSync(join(home, root), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /[\\/]artifacts(?:[\\/]|$)/.test(entry.parentPath))
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(home.length + 1)
          .replaceAll('\\', '/'),
      );
  });
}
