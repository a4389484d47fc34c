/** Of the report of vitest's JSON reporter. */
export interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

export function verdictOf(report: Report | undefined): {
  readonly outcome: 'green' | 'red' | 'BROKEN';
  readonly why: string;
};
