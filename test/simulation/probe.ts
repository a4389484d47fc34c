import Driver from 'libsql';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../../src/model/registers.ts';
import { bodyDigest, canonical, originalId, type Cell } from './canonical.ts';

export type Columns = Readonly<Record<string, Cell>>;

const VERSIONS = MUTABLE_TABLES.map(({ name, registers }) => {
  const versions = Object.keys(registers).map((register) => `${register}_version`);
  return `select '${name}', id, ${versions.join(` || '|' || `)} from ${name}`;
}).join(' union all ');

const COUNTS = IMMUTABLE_TABLES.map(
  ({ name }) => `(select coalesce(max(number), 0) || '/' || count(*) from ${name})`,
).join(` || ' ' || `);

/** A row that never changes, as one device has it. */
export interface SeenRow {
  readonly key: string;
  readonly device: string;
  readonly thread: string | null;
  readonly seq: number;
  readonly root: string | null;
}

const ROOTS: Readonly<Record<string, readonly [string, string]>> = {
  session_messages: ['sessions', 'session_id'],
  thread_messages: ['threads', 'thread_id'],
  runtime_events: ['runtime_threads', 'thread_id'],
};

/** Looks at a store file beside the product, through a connection of its own. */
export class Probe {
  readonly #driver: Driver.Database;
  readonly #statements = new Map<string, Driver.Statement>();
  #dataVersion = -1;

  constructor(path: string) {
    this.#driver = new Driver(path, { timeout: 1000 });
  }

  close(): void {
    this.#statements.clear();
    this.#driver.close();
  }

  exec(sql: string): void {
    this.#driver.exec(sql);
  }

  rows(sql: string, params: readonly unknown[] = []): Cell[][] {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#driver.prepare(sql).raw();
      this.#statements.set(sql, statement);
    }
    return statement.all(params) as Cell[][];
  }

  /** Rows as objects; columns without a body larger than a NUL byte would cut. */
  records(sql: string, params: readonly unknown[] = []): Columns[] {
    const statement = this.#driver.prepare(sql);
    return statement.all(params) as Columns[];
  }

  text(sql: string): string {
    return String(this.rows(sql)[0]?.[0] ?? '');
  }

  /** Whether the product has written since this was asked last. */
  changed(): boolean {
    const now = Number(this.rows('pragma data_version')[0]?.[0]);
    const changed = now !== this.#dataVersion;
    this.#dataVersion = now;
    return changed;
  }

  /** Table, id and register to version; registers that have not come yet are left out. */
  versions(): Map<string, string> {
    const found = new Map<string, string>();
    for (const [table, id, versions] of this.rows(VERSIONS) as [string, string, string][]) {
      const registers = REGISTERS.get(table) as readonly string[];
      for (const [i, version] of versions.split('|').entries()) {
        if (version !== '') found.set(`${table}|${id}|${registers[i] as string}`, version);
      }
    }
    return found;
  }

  /** What a register holds. */
  content(key: string): string {
    const [table, id, register] = key.split('|') as [string, string, string];
    return contentOf(table, register, this.row(table, id));
  }

  row(table: string, id: string): Columns {
    return this.records(`select * from ${table} where id = ?`, [id])[0] as Columns;
  }

  /** Tells whether rows that never change have come or gone. */
  counts(): string {
    return this.text(`select ${COUNTS}`);
  }

  immutableRows(): SeenRow[] {
    return IMMUTABLE_TABLES.flatMap(({ name, columns }) =>
      this.records(`select * from ${name} order by number`).map((row) => {
        const [root, column] = ROOTS[name] ?? [];
        return {
          key: rowKey(name, String(row['id']), String(row['device']), columns, row),
          device: String(row['device']),
          thread: name === 'runtime_events' ? String(row['thread_id']) : null,
          seq: Number(row['seq'] ?? 0),
          root: root && column ? `${root}|${String(row[column])}` : null,
        };
      }),
    );
  }
}

const REGISTERS = new Map(MUTABLE_TABLES.map((t) => [t.name, Object.keys(t.registers)]));
const TABLES = new Map(MUTABLE_TABLES.map((table) => [table.name, table]));

/** What a register holds, of a row or of a payload. */
export function contentOf(table: string, register: string, row: Columns): string {
  const names = TABLES.get(table)?.registers[register] ?? [];
  const hasBody = names.includes('body_hash');
  return canonical(
    names.map((name) => [name, row[name] ?? null]),
    hasBody ? bodyDigest(row) : null,
  );
}

/** What an immutable row is, wherever it stands. */
export function rowKey(
  table: string,
  id: string,
  device: string,
  columns: readonly string[],
  row: Columns,
): string {
  const held = canonical(
    columns.map((name) => [name, row[name] ?? null]),
    bodyDigest(row),
  );
  return `${table}|${originalId(id)}|${device}|${held}`;
}
