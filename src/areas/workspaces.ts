import { existsSync } from 'node:fs';

import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { workspaces as table } from '../model/registers.ts';
import { IMPORT_DEVICE } from '../model/version.ts';
import { placeId, type Place } from '../model/workspace.ts';
import type { Condition } from './page.ts';
import { fullPath } from '../model/full-path.ts';

interface PlaceRow {
  readonly device: string;
  readonly path: string;
  readonly remote: string;
  readonly relative_path: string;
  readonly place_version: string;
}

const COLUMNS = ['device', 'path', 'remote', 'relative_path', 'place_version'] as const;

/** What says where a record works: the device that wrote it, and the path as that device has it. */
interface Origin {
  readonly device: string;
  readonly workspace: string;
}

export function deviceOf(reader: Reader): string {
  return reader.rows('select id from device')[0]?.[0] as string;
}

/** Of this store as it is and as it was before it was restored or copied: its folders may be here. */
function selvesOf(reader: Reader): string[] {
  const former = `select value from device, json_each(former_ids)`;
  return reader.rows(`select id from device union ${former}`).map(([id]) => id as string);
}

/** Where a path of a device lies, as recorded. Nobody knows whose path an imported one is. */
export function recordedPlace(reader: Reader, device: string, path: string): Place | undefined {
  const rows = placesAt(reader, [path]).filter((row) => isOf(row, device));
  const [row] = rows.sort(newestFirst);
  return row && { remote: row.remote, relativePath: row.relative_path };
}

export function isRecorded(reader: Reader, device: string, path: string, place: Place): boolean {
  const held = recordedPlace(reader, device, path);
  return held?.remote === place.remote && held.relativePath === place.relativePath;
}

/**
 * Records where a path of a device lies; writes only what is new. What was recorded stays where
 * nothing is found any more: sessions that worked there still belong to that repository.
 */
export function recordPlace(
  transaction: Transaction,
  device: string,
  path: string,
  place: Place | undefined,
): void {
  if (!place) return;
  const id = placeId(device, path);
  const row = { path, remote: place.remote, relative_path: place.relativePath };
  if (transaction.number('select count(*) from workspaces where id = ?', [id]) === 0) {
    transaction.insert(table, { id, device, ...row });
  } else {
    transaction.update(table, id, row);
  }
}

/** Which records are of a workspace: all that the condition finds have one of these paths. */
export interface WorkspaceFilter {
  readonly paths: readonly string[];
  readonly condition: Condition;
}

/**
 * The records of a folder of this device: those that name it, but not those of a device on which
 * the path is known to be another workspace; those that lie in the same place on other devices; and
 * those of folders that are no longer there on this one, because they were moved or removed. A
 * second working tree of this device keeps its own.
 */
export function workspaceFilter(
  reader: Reader,
  path: string,
  place: Place | undefined,
): WorkspaceFilter {
  if (!place) return { paths: [path], condition: { sql: 'workspace = ?', params: [path] } };
  const here = deviceOf(reader);
  const same = reader.list<PlaceRow>(
    COLUMNS,
    'from workspaces where remote = ? and relative_path = ?',
    [place.remote, place.relativePath],
  );
  const strangers = reader.rows(
    `select device from workspaces
     where path = ? and device <> ? and (remote, relative_path) <> (?, ?)`,
    [path, here, place.remote, place.relativePath],
  );
  const selves = new Set(selvesOf(reader));
  const apart = new Set(
    same.filter((row) => selves.has(row.device) && isOther(row.path, path)).map((row) => row.path),
  );
  const others = same.filter(
    (row) => row.path !== path && !(selves.has(row.device) && apart.has(row.path)),
  );
  const paths = new Set(others.map((row) => row.path));
  const pairs = others.map((row) => [row.device, row.path]);
  for (const other of paths) if (!apart.has(other)) pairs.push([IMPORT_DEVICE, other]);
  return {
    paths: [path, ...paths],
    condition: {
      sql: `(workspace = ? and device not in (select value from json_each(?))
        or (device, workspace) in (select value ->> 0, value ->> 1 from json_each(?)))`,
      params: [path, JSON.stringify(strangers.flat()), JSON.stringify(pairs)],
    },
  };
}

function isOther(path: string, asked: string): boolean {
  return fullPath(path) !== fullPath(asked) && existsSync(path);
}

/**
 * The same records with the workspace as a path of this device, where one is recorded: the path of
 * the record itself if it is one, else the last recorded, folders that are there before others.
 */
export function withPathsHere<T extends Origin>(reader: Reader, records: readonly T[]): T[] {
  const places = placesAt(reader, [...new Set(records.map((record) => record.workspace))]);
  if (places.length === 0) return [...records];
  const wanted = places.map((row) => [row.remote, row.relative_path]);
  const own = reader
    .list<PlaceRow>(
      COLUMNS,
      `from workspaces where device in (select value from json_each(?)) and (remote, relative_path) in
         (select value ->> 0, value ->> 1 from json_each(?))`,
      [JSON.stringify(selvesOf(reader)), JSON.stringify(wanted)],
    )
    .sort(newestFirst);
  const known = new Map<string, string>();
  return records.map((record) => {
    const key = JSON.stringify([record.device, record.workspace]);
    const path = known.get(key) ?? pathHere(record, places, own);
    known.set(key, path);
    return { ...record, workspace: path };
  });
}

function pathHere(
  { device, workspace }: Origin,
  places: readonly PlaceRow[],
  own: readonly PlaceRow[],
): string {
  const mine = places.filter((row) => row.path === workspace && isOf(row, device));
  const paths = own
    .filter((row) =>
      mine.some((it) => it.remote === row.remote && it.relative_path === row.relative_path),
    )
    .map((row) => row.path);
  if (paths.includes(workspace)) paths.unshift(workspace);
  const [first = workspace] = paths;
  return paths.every((path) => path === first) ? first : (paths.find(existsSync) ?? first);
}

/** The places of these paths, on whichever device. */
function placesAt(reader: Reader, paths: readonly string[]): PlaceRow[] {
  return reader.list<PlaceRow>(
    COLUMNS,
    'from workspaces where path in (select value from json_each(?))',
    [JSON.stringify(paths)],
  );
}

function isOf(row: PlaceRow, device: string): boolean {
  return device === row.device || device === IMPORT_DEVICE;
}

function newestFirst(a: PlaceRow, b: PlaceRow): number {
  return a.place_version < b.place_version ? 1 : -1;
}
