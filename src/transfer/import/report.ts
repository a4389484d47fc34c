import type { Outcome } from '../../db/import-row.ts';

/** Of the records found, each is one of the next five; ignored are files and lines that are none. */
export interface ImportCounts {
  found: number;
  imported: number;
  updated: number;
  /** As an earlier import, or a newer edit, left it. */
  unchanged: number;
  /** Kept apart because the record that it belongs to does not exist. */
  orphaned: number;
  /** Refused; it stays in its file and the next import tries it again. */
  failed: number;
  ignored: number;
}

export interface ImportProblem {
  path: string;
  line?: number;
  kind: string;
  class: string;
  /** A word for programs, such as `truncated_json`. */
  reason: string;
  /** A sentence for people. */
  message: string;
}

export interface ImportReport {
  homes: string[];
  totals: ImportCounts;
  byKind: Record<string, ImportCounts>;
  problems: ImportProblem[];
}

export interface ImportProgress {
  home: string;
  /** What is read now; `search index` while imported records are indexed. */
  kind: string;
  records: number;
  bytes: number;
}

/** Counts as records come in. */
export class ReportBuilder {
  readonly #homes: string[] = [];
  readonly #byKind = new Map<string, ImportCounts>();
  readonly #problems: ImportProblem[] = [];

  home(root: string): void {
    this.#homes.push(root);
  }

  outcome(kind: string, outcome: Outcome | 'orphaned', count = 1): void {
    const counts = this.#of(kind);
    counts.found += count;
    counts[outcome] += count;
  }

  /** Lines that are no records, in a file that was not read again. */
  ignored(kind: string, count: number): void {
    if (count > 0) this.#of(kind).ignored += count;
  }

  problem(problem: ImportProblem): void {
    this.#problems.push(problem);
    if (problem.class === 'reject') {
      const counts = this.#of(problem.kind);
      counts.found++;
      counts.failed++;
    } else if (problem.class === 'ignore') {
      this.#of(problem.kind).ignored++;
    }
  }

  build(): ImportReport {
    const totals = emptyCounts();
    for (const counts of this.#byKind.values()) {
      for (const key of Object.keys(totals) as (keyof ImportCounts)[]) totals[key] += counts[key];
    }
    return {
      homes: this.#homes,
      totals,
      byKind: Object.fromEntries([...this.#byKind].sort(([a], [b]) => (a < b ? -1 : 1))),
      problems: this.#problems,
    };
  }

  #of(kind: string): ImportCounts {
    let counts = this.#byKind.get(kind);
    if (!counts) this.#byKind.set(kind, (counts = emptyCounts()));
    return counts;
  }
}

function emptyCounts(): ImportCounts {
  return { found: 0, imported: 0, updated: 0, unchanged: 0, orphaned: 0, failed: 0, ignored: 0 };
}
