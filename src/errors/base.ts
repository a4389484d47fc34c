/** Base of every error thrown on purpose. Match on `code`; the wording of `message` may change. */
export abstract class StoreError extends Error {
  /** Stable, upper-case, one per kind of failure. */
  abstract readonly code: string;
  /** True when the same call may succeed later, unchanged. */
  readonly retryable: boolean = false;
  /** What the caller can do about it, in one sentence; empty when `message` says it all. */
  readonly hint: string = '';
}
