import type * as z from 'zod';
import type { Reader } from '../db/reader.ts';
import type { sessionListSchema, SessionSummary } from '../model/session.ts';
import { sessions } from '../model/registers.ts';
import { placeOf, type Place, type Repository } from '../model/workspace.ts';
import { between, hasCome, readPage, type Condition, type Page } from './page.ts';
import { newerBranch, notAtLast } from './branch-ends.ts';
import { RESTORABLE } from './purged.ts';
import { SESSION_COLUMNS, SESSION_TREE, toSession, type SessionRow } from './session-rows.ts';
import {
  deviceOf,
  isRecorded,
  recordedPlace,
  withPathsHere,
  workspaceFilter,
  type WorkspaceFilter,
} from './workspaces.ts';

type Query = z.output<typeof sessionListSchema>;

/** Of more paths the sessions are read by time, and those of other workspaces passed over. */
const PATHS_MAX = 16;

const SORTS = {
  updated: { sort: 'updated_at', descending: true },
  created: { sort: 'created_at', descending: true },
  title: { sort: 'title collate nocase', descending: false },
  messages: { sort: 'message_count', descending: true },
} as const;

/** Named, because partial indexes that all fit look alike to SQLite, and one passes over the archive. */
function indexFor(query: Query, byPath: boolean): string {
  if (query.deleted) return 'sessions_deleted';
  if (query.sort !== 'updated') return `sessions_${query.sort}`;
  if (byPath) return 'sessions_workspace';
  return {
    exclude: 'sessions_active',
    only: 'sessions_archived',
    include: 'sessions_updated',
  }[query.archived];
}

/**
 * One page of sessions.
 *
 * @param repository - in which the wanted workspace lies, as its files say now
 * @returns with `unknown`, the place of that workspace on this device, while it is not recorded
 */
export function listSessions(
  reader: Reader,
  query: Query,
  repository: Repository | undefined,
): { page: Page<SessionSummary>; unknown: Place | undefined } {
  const { workspace } = query;
  if (workspace === undefined) return { page: readSessions(reader, query), unknown: undefined };
  const device = deviceOf(reader);
  const place = repository && placeOf(workspace, repository, device);
  const wanted = place ?? recordedPlace(reader, device, workspace);
  const page = readSessions(reader, query, workspaceFilter(reader, workspace, wanted));
  if (!place) return { page, unknown: undefined };
  // Whoever asks from a folder works there, even where another one was recorded later.
  const items = page.items.map((session) => ({ ...session, workspace }));
  const unknown = isRecorded(reader, device, workspace, place) ? undefined : place;
  return { page: { ...page, items }, unknown };
}

function readSessions(
  reader: Reader,
  query: Query,
  filter?: WorkspaceFilter,
): Page<SessionSummary> {
  const byPath = filter !== undefined && filter.paths.length <= PATHS_MAX;
  const index = indexFor(query, byPath);
  const page = readPage<SessionRow>(reader, {
    table: `sessions indexed by ${index}`,
    columns: SESSION_COLUMNS,
    where: conditions(query, filter),
    either:
      index === 'sessions_workspace'
        ? filter?.paths.map((path) => ({ sql: 'workspace = ?', params: [path] }))
        : undefined,
    ...SORTS[query.deleted ? 'updated' : query.sort],
    limit: query.limit,
    cursor: query.cursor,
  });
  const apart = notAtLast(
    reader,
    SESSION_TREE,
    page.items.map(({ id }) => id),
  );
  const newerOf = (id: string) =>
    apart.has(id) ? newerBranch(reader, SESSION_TREE, id) : undefined;
  const rows = withPathsHere(reader, page.items);
  return { ...page, items: rows.map((row) => toSession(row, newerOf(row.id))) };
}

function conditions(query: Query, filter: WorkspaceFilter | undefined): Condition[] {
  const where: Condition[] = [
    { sql: query.deleted ? RESTORABLE : 'deleted_at is null' },
    hasCome(sessions),
    ...between('updated_at', query.since, query.until),
  ];
  // The paths of a workspace may become known between two pages.
  if (filter) where.push({ ...filter.condition, identity: `in ${query.workspace ?? ''}` });
  if (!query.deleted && query.archived !== 'include') {
    where.push({ sql: `archived_at is ${query.archived === 'only' ? 'not null' : 'null'}` });
  }
  return where;
}
