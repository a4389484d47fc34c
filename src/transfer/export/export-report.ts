export interface ExportSkipped {
  kind: string;
  /**
   * A word for programs, such as `deleted`. `wrong_shape`: the old program would refuse it;
   * `no_place`: an old home has none for it; `later_format`: written under the name of a later
   * version, and no import of this one reads it.
   */
  reason: string;
  count: number;
}

export interface ExportReport {
  format: 'legacy' | 'jsonl' | 'markdown';
  dir: string;
  files: number;
  records: number;
  /** By the words that an import counts by. */
  byKind: Record<string, number>;
  /** What the store holds and this format cannot say. */
  skipped: ExportSkipped[];
}

export interface ExportProgress {
  kind: string;
  records: number;
  files: number;
}

/** Counts as records go out. */
export class ExportCounter {
  records = 0;
  readonly #byKind = new Map<string, number>();
  readonly #skipped = new Map<string, ExportSkipped>();

  add(kind: string, count = 1): void {
    this.records += count;
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + count);
  }

  skip(kind: string, reason: string, count = 1): void {
    if (count === 0) return;
    const key = `${kind} ${reason}`;
    const entry = this.#skipped.get(key) ?? { kind, reason, count: 0 };
    this.#skipped.set(key, { ...entry, count: entry.count + count });
  }

  get byKind(): Record<string, number> {
    return Object.fromEntries([...this.#byKind].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get skipped(): ExportSkipped[] {
    const keys = [...this.#skipped.keys()].sort();
    return keys.map((key) => this.#skipped.get(key) as ExportSkipped);
  }
}
