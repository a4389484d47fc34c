import type { Store } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import type { Output } from '../output.ts';
import { argument, flag, parseInteger, value } from '../parameters.ts';
import { column, jsonColumn, numberColumn, secondColumn } from '../record-columns.ts';

/** As many as the library gives at once. */
const EVENTS_MAX = 4096;

interface Selection {
  readonly sinceSeq?: number | undefined;
  readonly limit?: number | undefined;
  readonly tail?: number | undefined;
}

export const eventList = storeCommand({
  name: 'list',
  summary: 'list the events of a runtime thread, oldest first',
  details:
    'With --follow one line of JSON per event, those that are there and then each that comes, ' +
    'from any program, until it is interrupted or --limit is reached.',
  example: 'event list thr_1a2b --tail 10 --follow',
  access: 'read',
  args: { thread: argument('thread', 'the runtime thread') },
  options: {
    sinceSeq: value('n', 'only after this number', parseInteger(0, Number.MAX_SAFE_INTEGER)),
    limit: value('n', 'at most so many events', parseInteger(1, EVENTS_MAX)),
    tail: value('n', 'only the last n; with --follow 0 for none', parseInteger(0, EVENTS_MAX)),
    follow: flag('go on with what comes'),
  },
  async run({ store, out, endsByInterrupt }, { thread, follow, ...selection }) {
    if (selection.tail !== undefined && selection.sinceSeq !== undefined) {
      throw new UsageError('--tail and --since-seq exclude each other');
    }
    const id = await store.resolveId('runtimeThread', thread);
    if (follow) {
      endsByInterrupt('signal');
      await followEvents(store, out, id, selection);
      return;
    }
    const page = await readEvents(store, id, selection);
    out.printPage(page, [
      numberColumn('SEQ', (event) => event.seq),
      secondColumn('AT', (event) => event.at),
      column('TYPE', (event) => event.type),
      column('TURN', (event) => event.turnId),
      column('ITEM', (event) => event.itemId),
      jsonColumn('PAYLOAD', (event) => event.payload),
    ]);
  },
});

async function readEvents(store: Store, id: string, { sinceSeq = 0, limit, tail }: Selection) {
  if (tail === undefined)
    return store.events.since(id, sinceSeq, limit === undefined ? {} : { limit });
  return store.events.tail(id, Math.min(tail, limit ?? tail));
}

async function followEvents(
  store: Store,
  out: Output,
  id: string,
  { sinceSeq = 0, limit, tail }: Selection,
): Promise<void> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let seq = sinceSeq;
  if (tail !== undefined) {
    const page = await store.events.tail(id, Math.min(tail, left));
    for (const event of page.items) await out.printJsonLine(event);
    left -= page.items.length;
    seq = page.nextSeq;
  }
  if (left <= 0) return;
  for await (const event of store.events.follow(id, seq)) {
    await out.printJsonLine(event);
    if (--left <= 0) return;
  }
}
