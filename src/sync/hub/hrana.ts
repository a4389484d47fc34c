import { z } from 'zod';
import { HubRefusedError, HubUnreachableError } from '../../errors.ts';
import { statementFailure } from './hub-failure.ts';
import type { HubRow, HubStatement, HubValue } from './hub.ts';

// Hrana over HTTP, as far as sync needs it:
// github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md

interface Step {
  readonly stmt: {
    readonly sql: string;
    readonly args?: readonly object[];
    readonly want_rows?: true;
  };
  readonly condition?: object;
}

const ok = (step: number) => ({ type: 'ok', step });

/** Before the statements of the transaction: the mark, and its beginning. */
const BEFORE = 2;

/**
 * One transaction as one request: each step runs only where the one before it succeeded, and what
 * was begun and not committed is rolled back. Nothing is left open on the hub, whatever fails.
 *
 * @param mark - a text of this request alone, which the answer to it repeats
 */
export function pipelineOf(
  statements: readonly HubStatement[],
  mode: 'read' | 'write',
  mark: string,
): string {
  const sqls: Step['stmt'][] = [
    { sql: 'select ?1', args: [encode(mark)], want_rows: true },
    { sql: mode === 'write' ? 'begin immediate' : 'begin' },
    ...statements.map(
      ({ sql, params }) => ({ sql, args: params.map(encode), want_rows: true }) as const,
    ),
    { sql: 'commit' },
  ];
  const steps: Step[] = sqls.map((stmt, i) =>
    i < BEFORE ? { stmt } : { stmt, condition: ok(i - 1) },
  );
  const rollback = {
    stmt: { sql: 'rollback' },
    condition: { type: 'not', cond: ok(steps.length - 1) },
  };
  const batch = { steps: [...steps, rollback] };
  return JSON.stringify({ requests: [{ type: 'batch', batch }, { type: 'close' }] });
}

function encode(value: HubValue): object {
  if (value === null) return { type: 'null' };
  // A lone surrogate would fail the whole request; SQLite's own drivers replace it too.
  if (typeof value === 'string') return { type: 'text', value: value.toWellFormed() };
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return { type: 'integer', value: String(value) };
    return { type: 'float', value };
  }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { type: 'blob', base64: bytes.toString('base64') };
}

const failure = z.object({ message: z.string(), code: z.string().default('UNKNOWN') });
const answer = z.object({
  results: z
    .tuple([
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('error'), error: failure }),
        z.object({
          type: z.literal('ok'),
          response: z.object({
            result: z.object({
              // The values of the rows are checked one by one as they are decoded.
              step_results: z.array(z.object({ rows: z.array(z.array(z.unknown())) }).nullable()),
              step_errors: z.array(failure.nullable()),
            }),
          }),
        }),
      ]),
    ])
    .rest(z.unknown()),
});

/**
 * The rows of each of `count` statements, from the hub's answer to {@link pipelineOf}.
 *
 * @throws the error of the first step that failed; `HubRefusedError` where this is no such answer,
 *   `HubUnreachableError` where it is one to another request
 */
export function rowsOf(json: unknown, count: number, mark: string): HubRow[][] {
  const parsed = answer.safeParse(json);
  if (!parsed.success) throw new HubRefusedError('the answer is not one of a libSQL server');
  const [first] = parsed.data.results;
  if (first.type === 'error') throw statementFailure(first.error.code, first.error.message);
  const { step_results: results, step_errors: errors } = first.response.result;
  const [marked] = results;
  // A cache in the way, or a proxy that mixes up its clients.
  if (marked && decode(marked.rows[0]?.[0]) !== mark) {
    throw new HubUnreachableError('what came is the answer to another request');
  }
  const failed = errors.find((error) => error !== null);
  if (failed) throw statementFailure(failed.code, failed.message);
  const committed = results[count + BEFORE];
  if (!committed) throw new HubRefusedError('the hub did not say that it committed');
  return results
    .slice(BEFORE, count + BEFORE)
    .map((result) => (result?.rows ?? []).map((row) => row.map(decode)));
}

const encoded = z.discriminatedUnion('type', [
  z.object({ type: z.literal('null') }),
  z.object({ type: z.literal('text'), value: z.string() }),
  z.object({ type: z.literal('integer'), value: z.string() }),
  // An infinite number arrives as null.
  z.object({ type: z.literal('float'), value: z.number().nullable() }),
  z.object({ type: z.literal('blob'), base64: z.string() }),
]);

function decode(value: unknown): HubValue {
  const { success, data } = encoded.safeParse(value);
  if (!success) throw new HubRefusedError('the hub sent a value of an unknown kind');
  switch (data.type) {
    case 'null':
      return null;
    case 'blob': {
      // sqld leaves the padding out, which Buffer accepts.
      const bytes = Buffer.from(data.base64, 'base64');
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    case 'integer':
      return safeInteger(data.value);
    default:
      return data.value;
  }
}

function safeInteger(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new HubRefusedError('the hub sent an integer past 2^53');
  return number;
}
