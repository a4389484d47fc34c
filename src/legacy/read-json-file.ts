import { setTimeout } from 'node:timers/promises';
import { safeId, type Check } from './check/shape.ts';
import type { FileEntry, HomeEntry, RecordEntry, SourceFile } from './home-entry.ts';
import { unchangedFile, type HomeReader } from './home-reader.ts';
import type { AnomalyReason, LegacyKind, OrphanReason } from './kinds.ts';
import { parseLargeRecord } from './parse-large-record.ts';
import { parseRecord } from './parse-record.ts';
import { problem, rejection } from './problem.ts';
import { readSource, type SourceBytes } from './read-source.ts';

const ATTEMPTS_MAX = 6;
/** A bad file that is younger may be one that is being written. */
const RESTED_MS = 250;

/** How the records of one kind are read from files of their own. */
export interface RecordSpec {
  kind: LegacyKind;
  check: Check;
  /** The inner id of a record; by default it has none and goes by the name of its file. */
  idOf?: (value: Record<string, unknown>) => string;
  /** Whether a file of this name (without `.json`) is where the program keeps this id. */
  nameFits?: (stem: string, id: string) => boolean;
  orphanOf?: (value: Record<string, unknown>, id: string) => OrphanReason | undefined;
  parent?: string;
  /** The current schema version, for kinds that have one. */
  version?: 1 | 2;
  /** Whether its texts may be very long, and `check` looks into none of those. */
  longTexts?: true;
}

/** What came of a file: its entries, or an id that does not fit its name and must wait. */
export type FileOutcome = { entries: HomeEntry[] } | { misplaced: true };

/**
 * Reads a file that is one record.
 *
 * @param stem - the name without `.json`; null where the kind has one record only
 * @param takeMisplaced - whether a record may come in whose id differs from the name of its file
 */
export async function readJsonFile(
  reader: HomeReader,
  spec: RecordSpec,
  file: string,
  stem: string | null,
  takeMisplaced: boolean,
): Promise<FileOutcome> {
  const where = { kind: spec.kind, path: reader.show(file) };
  for (let attempt = 1; ; attempt++) {
    const source = await readSource(file, reader.memory);
    if (source === 'missing') return { entries: [] };
    if (source === 'directory') return { entries: [problem(where, 'ignore', 'directory')] };
    if (source === 'not_a_file') return { entries: [problem(where, 'ignore', 'foreign_file')] };
    if (typeof source === 'string') return { entries: [problem(where, 'reject', source)] };
    const outcome = await takeSource(reader, spec, source, where, stem, takeMisplaced);
    // A writer may rest between emptying the file and filling it, or in the middle.
    const age = Date.now() - source.mtimeMs;
    const failed = 'entries' in outcome && outcome.entries.some(isRejection);
    if (!failed || age < 0 || age >= RESTED_MS) return outcome;
    if (attempt === ATTEMPTS_MAX) return { entries: [problem(where, 'reject', 'changing')] };
    await setTimeout(RESTED_MS - age);
  }
}

async function takeSource(
  reader: HomeReader,
  spec: RecordSpec,
  { bytes, size, sha256, mtimeMs }: SourceBytes,
  where: { kind: LegacyKind; path: string },
  stem: string | null,
  takeMisplaced: boolean,
): Promise<FileOutcome> {
  const sourceFile: SourceFile = { ...where, size, sha256, mtimeMs };
  const fits = (id: string) => stem === null || (spec.nameFits ?? sameName)(stem, id);
  const seen = reader.ids(spec.kind);
  const mark = reader.hooks.mark(sourceFile);
  if (mark !== undefined) {
    const misplaced = mark.ids.some((id) => !fits(id));
    if (misplaced && !takeMisplaced) return { misplaced };
    if (!mark.ids.some((id) => seen.has(id))) {
      for (const id of mark.ids) seen.add(id);
      return { entries: [unchangedFile(sourceFile, mark)] };
    }
  }

  const ended: FileEntry = {
    type: 'file',
    file: sourceFile,
    outcome: 'read',
    records: 0,
    orphaned: 0,
    failed: 0,
    ignored: 0,
    ids: [],
  };
  const isLarge = spec.longTexts && size > reader.largeBytes;
  const parsed = isLarge
    ? await parseLargeRecord(bytes, spec.check)
    : parseRecord(bytes, spec.check);
  if ('refusal' in parsed) {
    return { entries: [rejection(where, parsed.refusal), { ...ended, failed: 1 }] };
  }
  const { value } = parsed;
  const id = spec.idOf?.(value) ?? stem;
  if (id !== null && spec.idOf === undefined && safeId(id) !== undefined) {
    return { entries: [problem(where, 'reject', 'unsafe_id'), { ...ended, failed: 1 }] };
  }
  const misplaced = id !== null && !fits(id);
  if (misplaced && !takeMisplaced) return { misplaced };
  if (id !== null && seen.has(id)) {
    return { entries: [problem(where, 'reject', 'duplicate_id'), { ...ended, failed: 1 }] };
  }
  const orphan = id === null ? undefined : spec.orphanOf?.(value, id);
  if (id !== null) seen.add(id);
  const anomaly = misplaced ? 'id_filename_mismatch' : versionAnomaly(spec, value);
  const record: RecordEntry = {
    type: 'record',
    ...where,
    id,
    ...(spec.parent === undefined ? {} : { parent: spec.parent }),
    ...parsed,
    ...(orphan === undefined ? {} : { orphan }),
    ...(anomaly === undefined ? {} : { anomaly }),
    mtimeMs,
    home: reader.home.root,
  };
  const counts = orphan === undefined ? { records: 1 } : { orphaned: 1 };
  return {
    entries: [
      record,
      ...(orphan === undefined ? [] : [problem(where, 'orphan', orphan)]),
      ...(misplaced ? [problem(where, 'anomaly', 'id_filename_mismatch')] : []),
      { ...ended, ...counts, ids: id === null ? [] : [id] },
    ],
  };
}

/** Reads the only file of its kind. */
export async function* readSingleFile(
  reader: HomeReader,
  spec: RecordSpec,
  file: string,
): AsyncGenerator<HomeEntry> {
  const outcome = await readJsonFile(reader, spec, file, null, true);
  if ('entries' in outcome) yield* outcome.entries;
}

function isRejection(entry: HomeEntry): boolean {
  return entry.type === 'problem' && entry.class === 'reject';
}

function sameName(stem: string, id: string): boolean {
  return stem === id;
}

function versionAnomaly(
  { version }: RecordSpec,
  value: Record<string, unknown>,
): AnomalyReason | undefined {
  if (version === undefined) return undefined;
  if (value['schema_version'] === undefined) return 'missing_schema_version';
  return version === 2 && value['schema_version'] === 1 ? 'schema_v1' : undefined;
}
