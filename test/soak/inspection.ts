import type { Ledger, MadeRow, Register } from './ledger.ts';

/** A store file as another program reads it: see `child/inspect.mjs`. */
export interface Inspection {
  readonly rows: {
    readonly runtime_events: readonly [tag: string, id: string, thread: string, seq: number][];
    readonly [table: string]: readonly (readonly [tag: string, id: string, ...unknown[]])[];
  };
  readonly registers: readonly [string, string, string, string, unknown][];
  readonly threads: readonly [thread: string, seq: number][];
  readonly left: readonly [table: string, count: number][];
  readonly state: readonly [string, number, number, string | null, number] | null;
  readonly device: readonly [id: string, clockMs: number];
  readonly integrity: readonly string[];
}

/** The copies that a store holds. */
export interface Held {
  readonly rows: ReadonlySet<string>;
  readonly versions: ReadonlyMap<string, readonly [version: string, value: unknown]>;
}

export function heldBy(inspection: Inspection): Held {
  const rows = new Set<string>();
  for (const [table, list] of Object.entries(inspection.rows)) {
    for (const [tag] of list) rows.add(`${table}|${tag}`);
  }
  const versions = new Map(
    inspection.registers
      .filter(([, , , version]) => version !== '')
      .map(([table, id, register, version, value]) => [
        `${table}|${id}|${register}`,
        [version, value] as const,
      ]),
  );
  return { rows, versions };
}

export const rowKey = ({ table, tag }: MadeRow) => `${table}|${tag}`;

/** What nobody of these holds: the rows that were promised, and the registers. */
export function heldByNone(
  ledger: Ledger,
  stores: readonly Held[],
): { rows: MadeRow[]; registers: { register: Register; best: string }[] } {
  const rows = [...ledger.rows.values()].filter(
    (row) =>
      row.state === 'acked' && !row.gone && !stores.some((held) => held.rows.has(rowKey(row))),
  );
  const registers = [...ledger.registers.values()].flatMap((register) => {
    const best = bestOf(stores, register.key);
    return register.seen.some(({ version, gone }) => !gone && version > best)
      ? [{ register, best }]
      : [];
  });
  return { rows, registers };
}

export function bestOf(stores: readonly Held[], key: string): string {
  let best = '';
  for (const { versions } of stores) {
    const version = versions.get(key)?.[0] ?? '';
    if (version > best) best = version;
  }
  return best;
}
