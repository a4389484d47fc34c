import { fail } from './violation.ts';

/** A register that somebody wrote, as it stood on disk afterwards. */
export interface Write {
  readonly number: number;
  /** Table, id and register. */
  readonly key: string;
  /** What it is compared by; another one after it was stamped anew. */
  stamp: string;
  /** The write that stood there before. */
  readonly parent: Write | null;
  readonly content: string;
  /** Its last copy was destroyed by a restore: it may be lost. */
  gone: boolean;
  /** It was stamped anew below its first stamp. */
  lowered: boolean;
}

/** A row that never changes. */
export interface Row {
  readonly key: string;
  /** The record that it belongs to, by table and id; null where it belongs to none. */
  readonly root: string | null;
  /** Events of its thread and device that stood before it where it was written. */
  readonly before: readonly string[];
  gone: boolean;
}

/** Everything that was acknowledged to a user, whatever became of it. */
export class Ledger {
  readonly writes: Write[] = [];
  readonly rows = new Map<string, Row>();
  /** Records that somebody purged, by table and id: what belongs to them may go. */
  readonly purged = new Set<string>();
  readonly #byVersion = new Map<string, Write>();

  /** The write that a version stands for. */
  of(key: string, version: string): Write | undefined {
    return this.#byVersion.get(`${key} ${version}`);
  }

  add(key: string, version: string, content: string, parent: Write | null): Write {
    const number = this.writes.length + 1;
    const write = { number, key, stamp: version, parent, content, gone: false, lowered: false };
    this.writes.push(write);
    this.#byVersion.set(`${key} ${version}`, write);
    return write;
  }

  /** The same content under another version; what it had replaced goes with it. */
  restamp(write: Write, version: string): void {
    for (let w: Write | null = write; w; w = w.parent) {
      if (w !== write && w.stamp <= version) continue;
      if (w.stamp > version) w.lowered = true;
      w.stamp = version;
    }
    this.#byVersion.set(`${write.key} ${version}`, write);
  }

  addRow(row: Row): void {
    if (this.rows.has(row.key)) fail(`a row was made twice: ${row.key}`);
    this.rows.set(row.key, row);
  }
}

/** Whether a write came to be on top of another one. */
export function descends(write: Write, ancestor: Write): boolean {
  for (let w = write.parent; w; w = w.parent) if (w === ancestor) return true;
  return false;
}
