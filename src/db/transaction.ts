import { mainRegister, type MutableTable } from '../model/table-kinds.ts';
import { clockOf, rightAfter, tick, type Clock } from '../model/version.ts';
import { ClosedError, ConflictError } from '../errors.ts';
import { followVersion } from './ancestors.ts';
import { fixedFor, fixedStamp, isLater, type FixedVersions, type Manner } from './fixed-version.ts';
import { followEdit } from './imported-bodies.ts';
import { EVERY_REGISTER, noteChange } from './outbox.ts';
import type { Connection, Value } from './connection.ts';
import { readDevice, type DeviceRow } from './device-row.ts';
import { Reader } from './reader.ts';
import { editClock, furtherOn, registerVersion } from './register-version.ts';
import { workAnew, workedOn } from './worked-on.ts';

/** Who stamps, and by which clock; `now` is injected so that tests own the time. */
export interface Stamper {
  readonly now: () => number;
}

export type Row = Record<string, Value>;

/**
 * One write transaction. Rows of mutable tables are written through {@link insert} and
 * {@link update} only, which stamp a version on every register that they touch.
 */
export class Transaction extends Reader {
  readonly #stamper: Stamper;
  #device: DeviceRow | undefined;
  #clock: Clock | undefined;
  #ended = false;

  constructor(connection: Connection, stamper: Stamper) {
    super(connection);
    this.#stamper = stamper;
  }

  /** Physical time in unix milliseconds. */
  now(): number {
    return this.#stamper.now();
  }

  /** The id of this device. */
  get device(): string {
    return this.#identity().id;
  }

  run(sql: string, params: readonly Value[] = []): number {
    this.#refuseEnded();
    return this.connection.run(sql, params);
  }

  /** Inserts rows of an immutable or local table. All rows have the keys of the first. */
  insertPlain(table: string, rows: readonly Row[]): void {
    for (const row of rows) {
      const names = Object.keys(row);
      this.run(
        `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
        Object.values(row),
      );
    }
  }

  /** Inserts a row of a mutable table with a version on every register. */
  insert(table: MutableTable, row: Row, fixed?: FixedVersions): void {
    const versions: Row = {};
    for (const register of Object.keys(table.registers)) {
      // Nobody has said anything of a purge: one that somebody says elsewhere holds, however old.
      const silent = register === 'purge' && (row['purged_at'] ?? null) === null;
      versions[`${register}_version`] = silent
        ? ''
        : this.#stamp(table, register, row, undefined, { fixed });
    }
    const derived = workedOn(table, versions, 0, this.now());
    const device = fixed ? fixedFor(fixed, mainRegister(table)).device : this.device;
    this.insertPlain(table.name, [{ device, ...derived, ...row, ...versions }]);
    noteChange(this, table.name, row['id'] as string, EVERY_REGISTER);
  }

  /**
   * Changes columns of one row; registers in which nothing changes keep their version.
   * Columns of no register (derived ones) are written as they are, `updated_at` if given.
   *
   * With `fixed` (an import) a register is only taken when its version is the higher one.
   *
   * @returns the names of the registers that changed, plus `derived` when another column did
   * @throws `ConflictError` the record was purged, and would change; or what stands there is further on
   *   (an ended attempt, a later one), and no version of this change would be above it
   */
  update(table: MutableTable, id: string, changes: Row, fixed?: FixedVersions): string[] {
    return this.#change(table, id, changes, { fixed });
  }

  /** Like {@link update}, of what was emptied for good: only for what empties it. */
  updatePurged(table: MutableTable, id: string, changes: Row): string[] {
    return this.#change(table, id, changes, { evenPurged: true });
  }

  /**
   * Like {@link update}, for the course of things that a machine notes (a slot that ran, tokens that
   * were used) in a register that also holds what people decide. It is stamped right above what
   * stands there, in the same millisecond, and so wins over what it was made on, but over no decision
   * that this device has not heard of, however much later the machine goes on.
   */
  carryOn(table: MutableTable, id: string, changes: Row): string[] {
    return this.#change(table, id, changes, { routine: true });
  }

  #change(table: MutableTable, id: string, changes: Row, manner: Manner): string[] {
    const { fixed, evenPurged = false } = manner;
    const registers = Object.entries(table.registers);
    const columns = Object.keys(changes);
    const governed = new Set(registers.flatMap(([, names]) => names));
    const wanted = new Set(columns);
    const touched = registers.filter(([, names]) => names.some((name) => wanted.has(name)));
    for (const [register, names] of touched) {
      for (const name of [...names, `${register}_version`]) wanted.add(name);
    }
    if ('purge' in table.registers) wanted.add('purged_at');
    if (table.work) wanted.add('updated_at');
    const old = this.first<Row>([...wanted], `from ${table.name} where id = ?`, [id]);
    if (!old) return [];
    const assigned: Row = {};
    const changed: string[] = [];
    const replaced: string[] = [];
    for (const [register, names] of touched) {
      const next: Row = { ...old, ...changes, id };
      if (names.every((name) => next[name] === old[name])) continue;
      const above = old[`${register}_version`] as string;
      const version = this.#stamp(table, register, next, above, manner);
      if (fixed && (version <= above || !isLater(fixedFor(fixed, register), above))) continue;
      if (version <= above) throw furtherOn(id);
      for (const name of names) {
        if (Object.hasOwn(changes, name)) assigned[name] = changes[name] as Value;
      }
      assigned[`${register}_version`] = version;
      changed.push(register);
      replaced.push(above);
    }
    const heard = fixed || manner.routine ? {} : assigned;
    Object.assign(assigned, workedOn(table, heard, Number(old['updated_at']), this.now()));
    const derived = columns.filter((name) => !governed.has(name) && changes[name] !== old[name]);
    for (const name of derived) assigned[name] = changes[name] as Value;
    if (derived.length > 0) changed.push('derived');
    const names = Object.keys(assigned);
    if (names.length > 0) {
      if (!evenPurged && (old['purged_at'] ?? null) !== null) {
        throw new ConflictError(`${id} was purged: nothing is left of it`);
      }
      const sets = names.map((name) => `${name} = ?`).join(', ');
      this.run(`update ${table.name} set ${sets} where id = ?`, [...Object.values(assigned), id]);
    }
    // A row of which only a part has come from the hub is this device's from the first word on.
    if (changed.includes(mainRegister(table)) && replaced.includes('')) {
      const own = [this.device, id];
      this.run(`update ${table.name} set device = ? where id = ? and device = ''`, own);
    }
    for (const [i, above] of replaced.entries()) {
      const register = changed[i] as string;
      const version = assigned[`${register}_version`] as string;
      // What is emptied for good leaves nothing to remember.
      if (!evenPurged) followEdit(this, { table, id, register }, old, version);
      this.#noteEdit(table.name, id, register, version, above);
    }
    return changed;
  }

  /**
   * Stamps a register anew without changing its content, above what it has and above `held`.
   *
   * @param held - the version that the hub holds, or null
   */
  restamp(table: MutableTable, id: string, register: string, held: string | null): void {
    const stamped = this.#stampAnew(table, id, register, () => {
      this.#clock = tick(this.clock, this.now(), held === null ? undefined : clockOf(held));
      return this.#clock;
    });
    if (!stamped) return;
    workAnew(this, table, { id, register, above: stamped.above });
    noteChange(this, table.name, id, register);
  }

  /**
   * Gives a record to this device, by a stamp right above what its register has: whatever was said on top of
   * that since, heard of or not, wins.
   *
   * @param column - that says whose it is
   */
  takeOver(table: MutableTable, id: string, register: string, column: 'owner' | 'device'): void {
    const own = { [column]: this.device };
    const next = (above: string) => rightAfter(clockOf(above));
    const stamped = this.#stampAnew(table, id, register, next, own, true);
    if (stamped) this.#noteEdit(table.name, id, register, stamped.version, stamped.above);
  }

  /** @returns the version that it gets and the one that it had; undefined where it gets none */
  #stampAnew(
    table: MutableTable,
    id: string,
    register: string,
    clockAbove: (above: string) => Clock,
    changes: Row = {},
    isEdit = false,
  ): { version: string; above: string } | undefined {
    const name = `${register}_version`;
    const columns = [...(table.registers[register] as readonly string[]), name];
    const row = this.first<Row>(columns, `from ${table.name} where id = ?`, [id]);
    if (!row) return undefined;
    const above = row[name] as string;
    const next = { ...row, ...changes, id };
    const version = registerVersion(table, register, next, clockAbove(above), this.#identity());
    // Of a damaged store: what is no version may be one that none is above.
    if (isEdit && version <= above) return undefined;
    const assigned: Row = { ...changes, [name]: version };
    const sets = Object.keys(assigned).map((column) => `${column} = ?`);
    const values = [...Object.values(assigned), id];
    this.run(`update ${table.name} set ${sets.join(', ')} where id = ?`, values);
    followEdit(this, { table, id, register }, row, version);
    return { version, above };
  }

  /** Whether changes are noted for the hub. */
  get capturing(): boolean {
    return this.#identity().capturing;
  }

  /** Later stamps of this device are above a version that it has seen. */
  observe(seen: Clock): void {
    const clock = this.clock;
    if (seen.ms > clock.ms || (seen.ms === clock.ms && seen.counter > clock.counter)) {
      this.#clock = seen;
    }
  }

  /** The latest stamp of this device. */
  get clock(): Clock {
    return this.#clock ?? this.#identity().clock;
  }

  /** Sets the clock, also backwards: it was wrong. */
  set clock(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called after a statement that changed who this device is or whether it notes changes. */
  forgetIdentity(): void {
    this.#device = undefined;
  }

  /** Writes the clock that was used, in the transaction that used it. */
  finish(): void {
    if (!this.#clock) return;
    const { ms, counter } = this.#clock;
    this.run('update device set clock_ms = ?, clock_counter = ?', [ms, counter]);
  }

  /** After this the handle writes no more: it must not outlive its transaction. */
  end(): void {
    this.#ended = true;
  }

  /** Notes an edit for the hub, and what it was made on top of. */
  #noteEdit(table: string, rowId: string, register: string, version: string, above: string): void {
    if (!this.capturing) return;
    noteChange(this, table, rowId, register, above);
    if (above !== '') followVersion(this, { table, rowId, register }, version, above);
  }

  #stamp(
    table: MutableTable,
    register: string,
    row: Row,
    above: string | undefined,
    { fixed, routine = false }: Manner,
  ): string {
    if (fixed) {
      const { clock, by } = fixedStamp(fixedFor(fixed, register), above, this.#identity());
      return registerVersion(table, register, row, clock, by);
    }
    const clock = editClock(
      table,
      register,
      routine,
      above ? clockOf(above) : undefined,
      (below) => {
        this.#clock = tick(this.clock, this.now(), below);
        return this.#clock;
      },
    );
    return registerVersion(table, register, row, clock, this.#identity());
  }

  #identity(): DeviceRow {
    this.#device ??= readDevice(this);
    return this.#device;
  }

  #refuseEnded(): void {
    if (this.#ended) throw new ClosedError('the transaction has ended');
  }
}
