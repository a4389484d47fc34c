import { lifecyclePrefix, type Lifecycle } from './version.ts';

/** Inserted once, never changed. */
export interface ImmutableTable {
  readonly kind: 'immutable';
  readonly name: string;
  /** What a row is, besides its id and origin device; the rest is this device's own. */
  readonly columns: readonly string[];
}

/** Rows that change, register by register. */
export interface MutableTable {
  readonly kind: 'mutable';
  readonly name: string;
  /**
   * Register to the columns that it governs. The last register is the main one: it also carries
   * the origin device of the row.
   */
  readonly registers: Readonly<Record<string, readonly string[]>>;
  /**
   * The register whose version puts (attempt, terminal or not) before the clock, so that a late
   * progress report cannot reopen finished work, and the states that are terminal.
   */
  readonly lifecycle?: { readonly register: string; readonly terminal: readonly string[] };
  /** Registers in which machines note the course of things beside what people decide. */
  readonly routine?: readonly string[];
  /**
   * Registers whose changes are work on a record: its `updated_at`, which is not sent, is the time of the
   * latest of their versions, on every device the same.
   */
  readonly work?: readonly string[];
  /**
   * Whether an import leaves what was edited since the last one, where the record says what it said
   * then.
   */
  readonly keepsEdits?: true;
}

/** Never leaves this machine. */
export interface LocalTable {
  readonly kind: 'local';
  readonly name: string;
}

export type Table = ImmutableTable | MutableTable | LocalTable;

/** What the version of a register puts before the clock, by its columns; undefined where it is no lifecycle. */
export function lifecycleOf(
  table: MutableTable,
  register: string,
  columns: Readonly<Record<string, unknown>>,
): Lifecycle | undefined {
  if (table.lifecycle?.register !== register) return undefined;
  return {
    attempt: Number(columns['attempt'] ?? 1),
    terminal: table.lifecycle.terminal.includes(String(columns['status'])),
  };
}

/**
 * Whether a version puts before the clock what the columns say. Above one that claims to be further on
 * nobody could claim, end or cancel anything.
 */
export function isOfItsColumns(
  table: MutableTable,
  register: string,
  version: string,
  columns: Readonly<Record<string, unknown>>,
): boolean {
  const said = lifecyclePrefix(version);
  const meant = lifecycleOf(table, register, columns);
  return said?.attempt === meant?.attempt && said?.terminal === meant?.terminal;
}

/** Whether what machines note in a register must never win over what somebody decides there. */
export function isRoutine(table: MutableTable, register: string): boolean {
  return table.routine?.includes(register) ?? false;
}

/** Whether a change of a register is work on the record. */
export function isWork(table: MutableTable, register: string): boolean {
  return table.work?.includes(register) ?? false;
}

/** The register that carries what a row is, and its origin device. */
export function mainRegister(table: MutableTable): string {
  return Object.keys(table.registers).at(-1) as string;
}

/** The register that carries the body. */
export function bodyRegister(table: MutableTable): string {
  const holds = (register: string) => table.registers[register]?.includes('body');
  return Object.keys(table.registers).find(holds) as string;
}
