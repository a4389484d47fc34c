import { StoreError } from './base.ts';

/** An argument does not fit its schema. Nothing was read or written. */
export class InvalidInputError extends StoreError {
  override readonly name = 'InvalidInputError';
  readonly code = 'INVALID_INPUT';
}

/** No record has this id, or it was purged. */
export class NotFoundError extends StoreError {
  override readonly name = 'NotFoundError';
  readonly code = 'NOT_FOUND';
  override readonly hint: string;

  constructor(
    kind: string,
    id: string,
    {
      purged = false,
      hint = '',
      by = 'id',
    }: { readonly purged?: boolean; readonly hint?: string; readonly by?: string } = {},
  ) {
    super(
      purged
        ? `the ${kind} "${id}" was purged: nothing is left of it`
        : `no ${kind} has the ${by} "${id}"`,
    );
    this.hint = hint;
  }
}

/** An id prefix fits more than one record. */
export class AmbiguousIdError extends StoreError {
  override readonly name = 'AmbiguousIdError';
  readonly code = 'AMBIGUOUS_ID';
  override readonly hint = 'Give more characters of the id.';

  constructor(kind: string, prefix: string) {
    super(`more than one ${kind} has an id that starts with "${prefix}"`);
  }
}

/** The record is in a state that does not allow this operation. */
export class ConflictError extends StoreError {
  override readonly name = 'ConflictError';
  readonly code = 'CONFLICT';
}

/** The caller's signal ended the call before its end. What it had written by then stays. */
export class StoppedError extends StoreError {
  override readonly name = 'StoppedError';
  readonly code = 'STOPPED';
  override readonly retryable = true;
  override readonly hint: string;

  constructor(message: string, hint = '') {
    super(message);
    this.hint = hint;
  }
}
