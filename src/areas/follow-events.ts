import type { ChangeSignal } from '../db/change-signal.ts';
import { ClosedError } from '../errors.ts';
import type { EventPage, RuntimeEvent } from '../model/event.ts';

/** The longest time between two looks, in milliseconds, for when nobody tells of a change. */
const PAUSE_MAX_MS = 250;

/**
 * Yields what `read` finds after `seq`, for ever, until `signal` is aborted, the iterator is
 * returned, or the store is closed; then it is done, without an error.
 *
 * @param read - the next events after a number; none when there are none yet
 */
export function followEvents(
  read: (seq: number) => Promise<EventPage>,
  changes: ChangeSignal,
  seq: number,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<RuntimeEvent, undefined> {
  const stop = new AbortController();
  const end = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const events = follow(read, changes, seq, end);
  return {
    next: () => events.next(),
    // A generator that waits would be returned only after its wait: this ends the wait first.
    return: () => {
      stop.abort();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* follow(
  read: (seq: number) => Promise<EventPage>,
  changes: ChangeSignal,
  seq: number,
  end: AbortSignal,
): AsyncGenerator<RuntimeEvent, undefined> {
  const unwatch = changes.watch();
  const ended = () => end.aborted || changes.closed;
  let pauseMs = 1;
  try {
    while (!ended()) {
      const { count } = changes;
      const page = await read(seq);
      for (const event of page.items) {
        if (ended()) return undefined;
        seq = event.seq;
        yield event;
      }
      if (page.items.length > 0) {
        pauseMs = 1;
        continue;
      }
      // The log is written before its commit can be seen, so after a sign of life the looks come
      // close together, then ever further apart.
      await changes.wait(count, pauseMs, end);
      pauseMs = changes.count === count ? Math.min(PAUSE_MAX_MS, pauseMs * 2) : 1;
    }
  } catch (error) {
    if (!(error instanceof ClosedError && changes.closed)) throw error;
  } finally {
    unwatch();
  }
  return undefined;
}
