import type { ChangeSignal } from '../db/change-signal.ts';
import { isLargeJson, stageLarge } from '../db/large-bodies.ts';
import type { Reader } from '../db/reader.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import * as schema from '../model/event.ts';
import type { EventInput, EventPage, FollowOptions, RuntimeEvent } from '../model/event.ts';
import { knownIdSchema, validate } from '../model/validate.ts';
import type * as z from 'zod';
import { CallOrder } from './call-order.ts';
import { eventsAfter, insertEvents, lastEvents, prepareEvents } from './event-rows.ts';
import { wholeEvents } from './large-events.ts';
import { followEvents } from './follow-events.ts';
import { refusePurged } from './purged.ts';
import type { Runner } from './runner.ts';

/** How many events `follow` reads at a time. */
const BATCH = 256;

/**
 * What happened in runtime threads, in the order in which it came to this device: whoever has seen
 * the number n of a thread never misses a later one (but what was lost to damage comes back under the
 * lower numbers that it left free). Every method rejects with a `StoreError`.
 */
export class Events {
  readonly #runner: Runner;
  readonly #changes: ChangeSignal | undefined;
  readonly #order = new CallOrder();

  /** @param changes - absent inside a transaction, which sees no changes of others */
  constructor(runner: Runner, changes?: ChangeSignal) {
    this.#runner = runner;
    this.#changes = changes;
  }

  /**
   * Adds events to the end of a runtime thread, all or none. Calls add in the order in which they
   * are made, also where nobody waits for the one before.
   *
   * @returns the events as they are stored, in order
   * @throws `NotFoundError` no such thread
   */
  async append(threadId: string, events: readonly EventInput[]): Promise<RuntimeEvent[]> {
    validate(knownIdSchema, threadId, 'thread id');
    const prepared = prepareEvents(validate(schema.eventsSchema, events, 'events'));
    const { payloads } = prepared;
    const stage = () => stageLarge(this.#runner, payloads);
    return this.#order.run(threadId, payloads.some(isLargeJson) ? stage : undefined, (hashes) =>
      this.#runner.write((transaction) =>
        insertEvents(transaction, threadId, { ...prepared, hashes }),
      ),
    );
  }

  /** The events after the number `seq`, oldest first. @throws `NotFoundError` no such thread */
  async since(
    threadId: string,
    seq: number,
    options: z.input<typeof schema.eventSinceSchema> = {},
  ): Promise<EventPage> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(schema.eventSeqSchema, seq, 'seq');
    const { limit } = validate(schema.eventSinceSchema, options, 'since');
    const read = await this.#runner.read((reader) => {
      requireThread(reader, threadId);
      return eventsAfter(reader, threadId, seq, limit);
    });
    return wholeEvents(this.#runner, read);
  }

  /** The last `count` events, oldest first. @throws `NotFoundError` no such thread */
  async tail(threadId: string, count: number): Promise<EventPage> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(schema.eventTailSchema, count, 'count');
    const read = await this.#runner.read((reader) => {
      requireThread(reader, threadId);
      return lastEvents(reader, threadId, count);
    });
    return wholeEvents(this.#runner, read);
  }

  /**
   * The events after the number `seq`, and then each that comes, whichever process writes it.
   *
   * It ends, without an error, when the loop over it is left, `signal` is aborted, or the store is
   * closed. The process stays alive while somebody waits for the next event, and only then.
   *
   * @throws `NotFoundError` from the first step: no such thread
   */
  follow(
    threadId: string,
    seq: number,
    options: FollowOptions = {},
  ): AsyncIterableIterator<RuntimeEvent, undefined> {
    validate(knownIdSchema, threadId, 'thread id');
    validate(schema.eventSeqSchema, seq, 'seq');
    const { signal } = validate(schema.eventFollowSchema, options, 'follow');
    if (!this.#changes) {
      throw new ConflictError('a transaction cannot follow events: nobody else writes meanwhile');
    }
    const read = (after: number) => this.since(threadId, after, { limit: BATCH });
    return followEvents(read, this.#changes, seq, signal);
  }
}

function requireThread(reader: Reader, threadId: string): void {
  refusePurged(reader, 'runtime_threads', threadId);
  if (reader.number('select count(*) from runtime_threads where id = ?', [threadId]) === 0) {
    throw new NotFoundError('runtime thread', threadId);
  }
}
