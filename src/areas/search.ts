import * as z from 'zod';
import type { Reader } from '../db/reader.ts';
import { pendingDocs, type SearchKind } from '../db/search-index.ts';
import { matchQuery, snippet } from '../model/search-text.ts';
import { formatTime } from '../model/time.ts';
import { limitSchema, validate } from '../model/validate.ts';
import type { Runner } from './runner.ts';
import { searchText } from './search-texts.ts';

const KINDS = ['session', 'message', 'task', 'item'] as const;

export const searchSchema = z.strictObject({
  /** Only these; by default all. */
  kind: z.union([z.enum(KINDS), z.array(z.enum(KINDS)).min(1)]).optional(),
  limit: limitSchema.default(20),
});

export type SearchOptions = z.input<typeof searchSchema>;

export interface SearchHit {
  kind: SearchKind;
  id: string;
  /** The session of a session or message. */
  sessionId?: string;
  /** The runtime thread of an item. */
  threadId?: string;
  title: string;
  /** Some of the text around the best place, hits between ‹ and ›. */
  snippet: string;
  at: string;
  /** Higher is better; comparable within one answer. */
  score: number;
}

export interface SearchResult {
  items: SearchHit[];
  /** Imported records that are not yet in the index and could match too. */
  pending: number;
}

interface HitRow {
  readonly kind: SearchKind;
  readonly ref_id: string;
  readonly owner_id: string;
  readonly at: number;
  readonly rank: number;
}

const TITLE_LENGTH_MAX = 80;
/**
 * Of more matches only so many, the latest ones, are ranked: that takes microseconds for each, and a
 * common word may stand in millions of messages.
 */
const RANKED_MAX = 5000;
const VISIBLE = `case d.kind
  when 'task' then exists (select 1 from tasks t where t.id = d.owner_id and t.deleted_at is null)
  when 'item' then not exists (
    select 1 from runtime_threads t where t.id = d.owner_id and t.deleted_at is not null)
  else exists (select 1 from sessions s where s.id = d.owner_id and s.deleted_at is null)
end`;

/** Finds sessions, messages, tasks and thread items by their words, in any language. */
export class Search {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * All words must occur; `"a phrase"` stays together, `word*` matches beginnings. Best first, of
   * the 5,000 that came into the index last where more match. A query with nothing to search for finds nothing.
   */
  async find(query: string, options: SearchOptions = {}): Promise<SearchResult> {
    const words = validate(z.string(), query, 'query');
    const { kind, limit } = validate(searchSchema, options, 'search');
    const kinds = kind === undefined ? KINDS : [kind].flat();
    const match = matchQuery(words);
    return this.#runner.read((reader) => {
      const pending = pendingDocs(reader);
      if (match === null) return { items: [], pending };
      const rows = findBest(reader, match, kinds, limit);
      return { items: rows.map((row) => toHit(reader, row, words)), pending };
    });
  }
}

function findBest(
  reader: Reader,
  match: string,
  kinds: readonly SearchKind[],
  limit: number,
): HitRow[] {
  const matching = `from search_index join search_docs d on d.number = search_index.rowid
    where search_index match ? and d.kind in (${kinds.map(() => '?').join(', ')}) and ${VISIBLE}`;
  const [first] = reader.rows(
    `select d.number ${matching} order by search_index.rowid desc limit 1 offset ${RANKED_MAX - 1}`,
    [match, ...kinds],
  );
  // Not ordered by the index's own `rank`: for that it ranks every match, whatever the row number.
  return reader.list<HitRow>(
    ['kind', 'ref_id', 'owner_id', 'at', 'rank'],
    `from (select d.kind, d.ref_id, d.owner_id, d.at, bm25(search_index) as rank ${matching}
       and search_index.rowid >= ?) order by rank limit ?`,
    [match, ...kinds, first?.[0] ?? 0, limit],
  );
}

function toHit(reader: Reader, row: HitRow, query: string): SearchHit {
  const text = searchText(reader, row.kind, row.ref_id) ?? '';
  const owner =
    row.kind === 'item'
      ? { threadId: row.owner_id }
      : row.kind === 'task'
        ? {}
        : { sessionId: row.owner_id };
  return {
    kind: row.kind,
    id: row.ref_id,
    ...owner,
    title: title(reader, row, text),
    snippet: snippet(text, query),
    at: formatTime(row.at),
    score: -row.rank,
  };
}

function title(reader: Reader, row: HitRow, text: string): string {
  const session = row.kind === 'message' ? searchText(reader, 'session', row.owner_id) : undefined;
  const line = (session ?? text).trim().split('\n', 1)[0] ?? '';
  return Array.from(line).slice(0, TITLE_LENGTH_MAX).join('');
}
