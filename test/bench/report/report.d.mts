/** What a part of the benchmark measured; the form of `results` is that of its report. */
export interface Figures {
  readonly part: string;
  readonly machine: string;
  readonly date: string;
  readonly versions: string;
  readonly rounds: number;
  readonly results: unknown;
}

export interface Report {
  readonly parts: readonly string[];
  readonly render: (parts: readonly Figures[]) => { text: string; chart?: string };
}

export const REPORTS: {
  readonly peers: Report;
  readonly growth: Report;
  readonly 'long-life': Report;
};
