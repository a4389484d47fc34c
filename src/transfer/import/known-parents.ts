import type { Reader } from '../../db/reader.ts';
import type { LegacyKind } from '../../legacy/kinds.ts';

const PARENTS: Partial<Record<LegacyKind, string>> = {
  'state.threads': 'threads',
  sessions: 'sessions',
  threads: 'runtime_threads',
  turns: 'runtime_turns',
  automations: 'automations',
};

/** Whether the store holds a record that others belong to. */
export function isKnown(reader: Reader, kind: LegacyKind, id: string): boolean {
  const table = PARENTS[kind];
  if (table === undefined) return false;
  return reader.number(`select count(*) from ${table} where id = ?`, [id]) > 0;
}
