import { StoreError } from '../index.ts';
import type { ErrorReport } from './output.ts';

/** What the exit codes of the program mean. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  retry: 75,
  interrupted: 130,
  terminated: 143,
} as const;

/** The command line does not say what to do, or says it in a way that is not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string;
  /** What to show to a person instead of the hint. */
  readonly help: string | undefined;

  constructor(message: string, hint = '', help?: string) {
    super(message);
    this.hint = hint;
    this.help = help;
  }
}

/** Standard output took no more. Not to be repeated blindly: what the command does, it may have done. */
export class OutputError extends StoreError {
  override readonly name = 'OutputError';
  readonly code = 'OUTPUT';
  override readonly hint =
    'Send the output where there is room. If the command was to change something, look first whether it did.';

  constructor(cause: NodeJS.ErrnoException) {
    super(`the output cannot be written (${cause.code ?? 'no reason given'})`, { cause });
  }
}

const REFUSALS = new Set(['NEWER_SCHEMA', 'STORE_DAMAGED', 'STORE_PATH']);

/**
 * @param opening - whether the failure came before there was an open store
 */
export function exitCodeOf(error: unknown, opening: boolean): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof StoreError)) return EXIT.failed;
  if (error.retryable) return EXIT.retry;
  if (REFUSALS.has(error.code) || (opening && error.code === 'READ_ONLY')) return EXIT.refused;
  // What the library checks and the command line did not is wrong usage all the same.
  return error.code === 'INVALID_INPUT' ? EXIT.usage : EXIT.failed;
}

/** How an error is told to people and programs. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof StoreError) {
    const { code, message, hint, retryable } = error;
    return { code, message, hint, retryable };
  }
  if (error instanceof UsageError) {
    return { code: 'USAGE', message: error.message, hint: error.hint, retryable: false };
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return { code: error.code, message: error.message, hint: '', retryable: false };
  }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    hint: 'This is a fault of codewhale-store; please report it.',
    retryable: false,
  };
}
