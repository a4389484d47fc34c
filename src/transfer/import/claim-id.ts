import { createHash } from 'node:crypto';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import type { Reader } from '../../db/reader.ts';
import { requiredTime, text, type HomeContext, type ImportRecord } from './record.ts';

/** Kinds with short ids that nobody checked: two homes can have one for two records. */
const TABLES: ReadonlyMap<string, string> = new Map([
  ['threads', 'runtime_threads'],
  ['turns', 'runtime_turns'],
  ['items', 'runtime_items'],
  ['tasks', 'tasks'],
]);

/**
 * Finds the id that a record has in the store: its own, or where another record bears it already one
 * derived from it, the same on every machine. From then on the context knows it, see `idOf`.
 *
 * What the store holds decides, and not what this run remembers: the record may have come earlier,
 * and the other one may be gone since.
 */
export function claimId(reader: Reader, record: ImportRecord, context: HomeContext): void {
  const table = TABLES.get(record.kind);
  const id = record.id ?? '';
  if (table === undefined) return;
  const [column, identity] = identityOf(record, context);
  let derived = derivedId([id, identity]);
  const sql = `select exists (select 1 from ${table} where id = ? and ${column} <> ?)
    or exists (select 1 from ${table} where id = ?)`;
  let isAnother = reader.number(sql, [id, identity, derived]) > 0;
  if (!isAnother && record.kind === 'tasks') {
    derived = derivedId([id, identity, text(record.value, 'prompt')]);
    isAnother = exists(reader, table, derived) || asksAnother(reader, record);
  }
  context.rename(record.kind, id, isAnother ? derived : id);
}

/** What tells a record from another one of its id: it never changes. */
function identityOf(record: ImportRecord, context: HomeContext): [string, string | number] {
  const { kind, value } = record;
  if (kind === 'items') return ['turn_id', context.idOf('turns', text(value, 'turn_id'))];
  return ['created_at', requiredTime(value, 'created_at')];
}

/** Whether the store has a task of this id that was made with another prompt. */
function asksAnother(reader: Reader, { id, value, large }: ImportRecord): boolean {
  const held = reader.first<BodyColumns & { prompt: string }>(
    ['prompt', 'body', 'body_hash'],
    'from tasks where id = ?',
    [id],
  );
  const prompt = text(value, 'prompt');
  // Of a very long one only a stand-in is at hand.
  if (!held || held.prompt === prompt || large?.strings.standIn(prompt)) return false;
  // The column may have been edited since.
  const made = JSON.parse(loadBody(reader, held)) as Record<string, unknown> | null;
  return typeof made?.['prompt'] === 'string' && made['prompt'] !== prompt;
}

function derivedId(parts: readonly [id: string, ...identity: (string | number)[]]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${parts[0]}~${digest.slice(0, 8)}`;
}

function exists(reader: Reader, table: string, id: string): boolean {
  return reader.number(`select count(*) from ${table} where id = ?`, [id]) > 0;
}
