import type { Reader } from '../db/reader.ts';

/**
 * The numbers that events had which were lost to damage. One that comes back, while the events of its
 * device come in their order, gets a number between those beside it, so that it stands where it was;
 * without free ones there it is as good as new, and comes to the end. Nothing else leaves numbers out.
 */
export class EventGaps {
  /** By thread, as it was met first. */
  readonly #threads = new Map<string, boolean>();
  /** By thread and device the number of the event that came last. */
  readonly #former = new Map<string, number>();

  /** Whether events of a thread may have been lost. */
  has(reader: Reader, threadId: string): boolean {
    const known = this.#threads.get(threadId);
    if (known !== undefined) return known;
    const sql = 'select max(seq) > count(*) from runtime_events where thread_id = ?';
    const found = reader.number(sql, [threadId]) > 0;
    this.#threads.set(threadId, found);
    return found;
  }

  /** Whether the next event of a device stands here already. */
  meets(reader: Reader, threadId: string, device: string, id: string): boolean {
    const [row] = reader.rows('select seq from runtime_events where id = ?', [id]);
    if (row) this.#former.set(`${threadId}\n${device}`, row[0] as number);
    return row !== undefined;
  }

  /**
   * The number for the next event of a device, which is not here.
   *
   * @param last - the last one of the thread
   */
  numberFor(reader: Reader, threadId: string, device: string, last: number): number {
    if (!this.has(reader, threadId)) return last + 1;
    const former = this.#former.get(`${threadId}\n${device}`) ?? 0;
    const seq = freeBetween(reader, threadId, device, former) ?? last + 1;
    this.#former.set(`${threadId}\n${device}`, seq);
    return seq;
  }
}

/** The first free number between an event and the next one of its device: none was here after that one. */
function freeBetween(
  reader: Reader,
  threadId: string,
  device: string,
  former: number,
): number | undefined {
  const [row] = reader.rows(
    `with later as (select seq from runtime_events
       where thread_id = ?1 and seq > ?2 and device = ?3 order by seq limit 1)
     select min(free) from (
       select ?2 + 1 as free union all
       select seq + 1 from runtime_events, (select seq as next from later)
       where thread_id = ?1 and seq > ?2 and seq < next)
     where free < (select seq from later)
       and free not in (select seq from runtime_events where thread_id = ?1 and seq = free)`,
    [threadId, former, device],
  );
  return (row?.[0] as number | null | undefined) ?? undefined;
}
