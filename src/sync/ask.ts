/** A state of the hub, or a push of a device: a number and a random token. */
export interface Mark {
  readonly number: number;
  readonly token: string;
}

/**
 * What a device tells the hub with everything that it asks. An answer counts only while all of it
 * still holds.
 */
export interface Ask {
  readonly device: string;
  readonly storeId: string | null;
  readonly epoch: Mark;
  readonly cursor: number;
  /** The state of the hub that was read last, or reached by our own push. */
  readonly pair: Mark | null;
  /** Our last push that was acknowledged. */
  readonly acked: Mark | null;
  /** Our push that was sent last. */
  readonly sent: Mark | null;
  /** The latest version known to be accepted, unix milliseconds. */
  readonly floorMs: number;
}

export function sameMark(a: Mark | null, b: Mark | null): boolean {
  if (a === null || b === null) return a === b;
  return a.number === b.number && a.token === b.token;
}

/** Whether a state is still the one that something was asked in. */
export function sameAsk(a: Ask, b: Ask): boolean {
  return (
    sameIdentity(a, b) &&
    a.cursor === b.cursor &&
    sameMark(a.acked, b.acked) &&
    sameMark(a.sent, b.sent)
  );
}

/** Whether a push that was asked in `a` may be acknowledged in `b`. */
export function sameIdentity(a: Ask, b: Ask): boolean {
  return (
    a.device === b.device &&
    a.storeId === b.storeId &&
    sameMark(a.epoch, b.epoch) &&
    sameMark(a.pair, b.pair)
  );
}
