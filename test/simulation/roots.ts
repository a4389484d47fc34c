import type { Device } from './device.ts';
import type { Columns } from './probe.ts';

export function isPurged(device: Device, root: string | null): boolean {
  if (root === null) return false;
  const [table, id] = root.split('|') as [string, string];
  const sql = `select count(*) from ${table} where id = ? and purged_at is not null`;
  return Number(device.probe.rows(sql, [id])[0]?.[0]) > 0;
}

const OWNERS: Readonly<Record<string, (row: Columns) => string | null>> = {
  triggers: (row) => `sessions|${String(row['owner_session_id'])}`,
  thread_checkpoints: (row) => `threads|${String(row['thread_id'])}`,
  runtime_turns: (row) => `runtime_threads|${String(row['thread_id'])}`,
  automation_runs: (row) => `automations|${String(row['automation_id'])}`,
  goals: (row) => {
    const tables = { session: 'sessions', thread: 'threads', runtime: 'runtime_threads' };
    return `${tables[row['scope'] as keyof typeof tables]}|${String(row['owner_id'])}`;
  },
};
const ROOTS = new Set(['sessions', 'threads', 'runtime_threads', 'tasks', 'automations']);

/** The record that the row of a register belongs to. */
export function rootOf(device: Device, key: string): string | null {
  const [table, id] = key.split('|') as [string, string];
  if (ROOTS.has(table)) return `${table}|${id}`;
  if (table === 'runtime_items') {
    const turn = device.probe.row(table, id)['turn_id'];
    const thread = device.probe.rows('select thread_id from runtime_turns where id = ?', [turn])[0];
    return thread ? `runtime_threads|${String(thread[0])}` : null;
  }
  return OWNERS[table]?.(device.probe.row(table, id)) ?? null;
}
