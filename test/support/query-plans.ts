import { expect } from 'vitest';
import { Connection } from '../../src/db/connection.ts';

/** Collects the text of every statement that a store runs: give `logger` to `openStore`. */
export function statementLog(): {
  readonly logger: { debug: (sql: string) => void };
  readonly take: () => string[];
} {
  let statements: string[] = [];
  return {
    logger: {
      debug: (sql) => {
        statements.push(sql);
      },
    },
    take: () => {
      const taken = statements;
      statements = [];
      return taken;
    },
  };
}

/** A pass over a table without an index. Subqueries, JSON values and the one row of `device` have no other way. */
const FULL_PASS = /^SCAN (?!\(|json_each\b|branch\b|device\b)(?!.*USING (COVERING )?INDEX)/;

/** Expects that each query finds its rows by an index, in the order in which it gives them out. */
export function expectIndexed(path: string, statements: readonly string[]): void {
  const queries = statements.filter((sql) => /^\s*(select|with)\b/i.test(sql));
  expect(queries).not.toHaveLength(0);
  const connection = new Connection(path, { busyWaitMs: 5, readOnly: true });
  try {
    for (const sql of new Set(queries)) {
      const params = sql.match(/\?/g)?.map(() => null) ?? [];
      const plan = connection.rows(`explain query plan ${sql}`, params).map((row) => row[3]);
      const slow = plan.filter(
        (step) => FULL_PASS.test(String(step)) || step === 'USE TEMP B-TREE FOR ORDER BY',
      );
      expect(slow, sql).toEqual([]);
    }
  } finally {
    connection.close();
  }
}
