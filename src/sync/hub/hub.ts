/** What a parameter or a column of the hub can hold. Integers beyond 2^53 do not occur. */
export type HubValue = string | number | Uint8Array | null;

export interface HubStatement {
  readonly sql: string;
  /** Bound to `?1`, `?2`, … in order. */
  readonly params: readonly HubValue[];
}

export type HubRow = readonly HubValue[];

/**
 * The hub as the rest of sync sees it: a database somewhere that runs SQL. Sync asks every way of
 * reaching it (HTTP, an embedded replica, a file in tests) the very same statements.
 */
export interface Hub {
  /**
   * Runs the statements in order in one transaction and returns the rows of each: all of them took
   * effect when it resolves. When it rejects with a `HubUnreachableError`, they may have taken
   * effect all the same.
   *
   * @param mode - `read`: one snapshot; `write`: one transaction that holds the write lock
   * @throws `HubUnreachableError` no answer in time, or a broken one; retry with backoff
   * @throws `HubBusyError` the hub asks to wait; `retryAfterMs` says how long where it told
   * @throws `HubAccessError` the token is missing, wrong, expired (401) or has no right (403)
   * @throws `HubTooLargeError` the request, a row or the answer passes a limit of the hub; send less
   * @throws `HubRefusedError` the hub answered what it should not; retrying unchanged is no use
   */
  run(statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]>;
  /** Ends requests under way; later calls reject. */
  close(): void;
}
