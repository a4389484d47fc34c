import { applyEntries, type Tally } from './apply/apply-entries.ts';
import { finishStep } from './apply/context.ts';
import { isBelieved, openEntry, type Opened } from './apply/open-entry.ts';
import { UNBELIEVED_SQL } from './apply/park.ts';
import { Shapes } from './apply/shape.ts';
import type { Exchange } from './exchange.ts';
import { fetchBodies } from './fetch-bodies.ts';
import type { HubMeta } from './hub-meta.ts';
import { entriesStatement, toEntry, type Entry } from './pull-statements.ts';
import { contextOf } from './settle.ts';
import { needState } from './state.ts';

/** Entries that are looked up at once. */
const LOOKED_UP = 20;

const WAITING = `select table_name, hub_id, register, version from parked
  where reason = 'chunks' and version <> '' order by parked_at limit ${LOOKED_UP}`;

/**
 * Where an entry waits for a body that the hub lost, entry and all, the hub may hold an earlier version
 * of the register, which came while that one was waited for: then it takes its place.
 */
export async function replaceLost(exchange: Exchange, meta: HubMeta, tally: Tally): Promise<void> {
  const { database, hub } = exchange;
  const waiting = await database.read((reader) => reader.rows(WAITING));
  if (waiting.length === 0) return;
  const versions = new Map(waiting.map(([...key]) => [key.slice(0, 3).join('\n'), key[3]]));
  const [rows = []] = await hub.run([entriesStatement(waiting)], 'read');
  const earlier = rows.map(toEntry).filter(({ table, id, register, version }) => {
    const parked = versions.get([table, id, register].join('\n'));
    return typeof parked === 'string' && version < parked;
  });
  await replaceParked(exchange, meta, earlier, tally);
}

/** Applies entries as they stand on the hub in the place of what is parked of their registers. */
export async function replaceParked(
  exchange: Exchange,
  meta: HubMeta,
  entries: readonly Entry[],
  tally: Tally,
): Promise<void> {
  const { database, ring, now } = exchange;
  const opened: Opened[] = entries.map((entry) => openEntry(ring, entry, meta));
  await fetchBodies(exchange, opened);
  const shapes = new Shapes();
  for (const one of opened) {
    // What nobody can read says nothing, and takes the place of nothing.
    if (!isBelieved(one)) continue;
    const { table, id, register } = one.entry;
    await database.write({ now }, (transaction) => {
      transaction.run(
        `delete from parked where table_name = ? and hub_id = ? and register = ?
         and reason in ('chunks', 'key', ${UNBELIEVED_SQL})`,
        [table, id, register],
      );
      const context = contextOf(exchange, transaction, meta, needState(transaction), shapes);
      tally.applied += applyEntries(context, [one]).applied;
      finishStep(context);
    });
  }
}
