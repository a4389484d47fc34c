import { objectMembers, parseJson, patchObject } from '../../model/json-text.ts';
import { withMark, type RowMark } from '../../model/row-mark.ts';
import { parseTime } from '../../model/time.ts';
import { isDerivedId, legacyId, legacyIdOrNull, legacyTime, taskIdOrNull } from './legacy-names.ts';

/**
 * A record of the old program on its way out. It starts from the kept text; a member changes only
 * where the column means something else, so that a time keeps its nanoseconds and a number its
 * spelling while nobody touched them. A record that the library made starts from its details.
 */
export class RecordPatch {
  readonly #raw: string;
  readonly #members: ReadonlyMap<string, string>;
  readonly #changes: Record<string, string | undefined> = {};
  /** Members to the ids that stand there under another spelling. */
  readonly #ids: Record<string, string> = {};
  /** Some of its details are not in it. */
  isCut = false;

  /** @param body - minified JSON; anything but an object counts as an empty one */
  constructor(body: string) {
    this.#raw = body.startsWith('{') ? body : '{}';
    this.#members = new Map(objectMembers(this.#raw).map(({ key, value }) => [key, value]));
  }

  has(key: string): boolean {
    return this.#members.has(key);
  }

  /** The exact text of a member, as it was. */
  json(key: string): string | undefined {
    return this.#members.get(key);
  }

  /** The value of a member, as it was. */
  value(key: string): unknown {
    const json = this.#members.get(key);
    return json === undefined ? undefined : parseJson(json);
  }

  setJson(key: string, json: string | undefined): this {
    this.#changes[key] = json;
    return this;
  }

  /** `null` takes the member away. */
  text(key: string, column: string | null): this {
    const value = this.value(key);
    const old = typeof value === 'string' ? value : null;
    if (old === column) return this;
    return this.setJson(key, column === null ? undefined : JSON.stringify(column));
  }

  /** The id of a record, as the text has it where it names that record, else as it is exported. */
  reference(key: string, column: string | null): this {
    if (column !== null && this.value(key) === column) return this;
    return this.#spelled(key, column, legacyIdOrNull(column));
  }

  /** As {@link reference}, of a task. */
  task(key: string, column: string | null): this {
    return this.#spelled(key, column, taskIdOrNull(column));
  }

  /** The id of another record that no column has. */
  link(key: string): this {
    const id = this.value(key);
    return typeof id === 'string' && isDerivedId(id) ? this.#spelled(key, id, legacyId(id)) : this;
  }

  #spelled(key: string, id: string | null, spelled: string | null): this {
    if (id !== null && spelled !== id) this.#ids[key] = id;
    return this.text(key, spelled);
  }

  /** A time in unix milliseconds; `null` takes the member away. */
  time(key: string, column: number | null): this {
    const value = this.value(key);
    const old = typeof value === 'string' ? parseTime(value) : null;
    if (old === column) return this;
    return this.setJson(key, column === null ? undefined : JSON.stringify(legacyTime(column)));
  }

  /** A time in unix milliseconds that the record has in seconds. */
  seconds(key: string, column: number | null): this {
    const value = this.value(key);
    const old = typeof value === 'number' ? value : null;
    const wanted = column === null ? null : Math.floor(column / 1000);
    if (old === wanted) return this;
    return this.setJson(key, String(wanted));
  }

  /** An exact integer, or `null`. */
  integer(key: string, column: bigint | null): this {
    const wanted = column === null ? 'null' : String(column);
    return (this.json(key) ?? 'null') === wanted ? this : this.setJson(key, wanted);
  }

  /** A member that the old program needs and that this record lacks. */
  fallback(key: string, json: string): this {
    return this.has(key) || key in this.#changes ? this : this.setJson(key, json);
  }

  /** Drops every member that is not listed. */
  only(keys: ReadonlySet<string>): this {
    for (const key of this.#members.keys()) {
      if (keys.has(key)) continue;
      this.setJson(key, undefined);
      this.isCut = true;
    }
    return this;
  }

  /** The ids that stand under another spelling, by their members; undefined where none does. */
  get ids(): Record<string, string> | undefined {
    return Object.keys(this.#ids).length > 0 ? this.#ids : undefined;
  }

  get changed(): boolean {
    return Object.keys(this.#changes).length > 0;
  }

  /** The exact text of the record. */
  result(): string {
    return this.changed ? patchObject(this.#raw, this.#changes) : this.#raw;
  }

  /**
   * The same with a mark, where there is something to tell an import.
   *
   * @param others - what the mark says besides the ids, of the exact text of the record
   */
  marked(others?: (raw: string) => RowMark | undefined): string {
    const raw = this.result();
    const { ids } = this;
    const mark = { ...(ids ? { ids } : {}), ...others?.(raw) };
    return Object.keys(mark).length > 0 ? withMark(raw, mark) : raw;
  }
}
