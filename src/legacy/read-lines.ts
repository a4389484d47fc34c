import { closeSync } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import type { Check } from './check/shape.ts';
import type { FileEntry, HomeEntry, SourceFile } from './home-entry.ts';
import { unchangedFile, type HomeReader } from './home-reader.ts';
import type { AnomalyReason, LegacyKind, OrphanReason } from './kinds.ts';
import { parseLargeRecord } from './parse-large-record.ts';
import { parseRecord, type Parsed } from './parse-record.ts';
import { problem, rejection } from './problem.ts';
import { hashOf, openSource, readFully, PIECE_BYTES, SOURCE_SIZE_MAX } from './read-source.ts';

/** How the lines of one kind of log are read. */
export interface LineSpec {
  kind: LegacyKind;
  check: Check;
  /** Whether a line counts only with its newline; else a last line without one may still do. */
  newlineCommits: boolean;
  idOf?: (value: Record<string, unknown>) => string;
  parent?: string;
  orphan?: OrphanReason | undefined;
  anomalyOf?: (value: Record<string, unknown>) => AnomalyReason | undefined;
  /** Whether its texts may be very long, and `check` looks into none of those. */
  longTexts?: true;
  /** Whether a log without a line is worth a note. */
  noteEmpty?: boolean;
}

/** A line of a file, without its newline. */
export interface Line {
  /** Counted from 1. */
  number: number;
  /** Shared memory: good until the next line. */
  bytes: Buffer;
  /** False for the last one when nothing ends it. */
  ended: boolean;
}

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads a log line by line, in memory for one chunk and one line.
 *
 * A log may grow while it is read: what it held when it was opened is read and hashed, the rest is
 * for the next import.
 */
export async function* readLines(
  reader: HomeReader,
  spec: LineSpec,
  file: string,
): AsyncGenerator<HomeEntry> {
  const { kind } = spec;
  const where = { kind, path: reader.show(file) };
  const opened = openSource(file);
  if (opened === 'missing') return;
  if (typeof opened === 'string') {
    if (opened === 'directory' || opened === 'not_a_file')
      yield problem(where, 'ignore', 'foreign_file');
    else yield problem(where, 'reject', opened);
    return;
  }
  const { fd, stats } = opened;
  try {
    const { size, mtimeMs } = stats;
    const sourceFile: SourceFile = {
      path: where.path,
      kind,
      size,
      sha256: (await hashOf(fd, size)).sha256,
      mtimeMs,
    };
    const mark = reader.hooks.mark(sourceFile);
    if (mark !== undefined) {
      yield unchangedFile(sourceFile, mark);
      return;
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
    if (size === 0 && spec.noteEmpty === true) {
      ended.ignored = 1;
      yield problem(where, 'ignore', 'empty_log');
    }
    for (const line of linesOf(fd, size)) {
      if (!line) {
        await setImmediate();
        continue;
      }
      const { length } = line.bytes;
      const isLarge = spec.longTexts && length > reader.largeBytes && length <= SOURCE_SIZE_MAX;
      const parsed = isLarge ? await parseLargeRecord(line.bytes, spec.check) : undefined;
      for (const entry of readLine(reader, spec, where.path, line, mtimeMs, parsed)) {
        count(ended, entry);
        yield entry;
      }
    }
    yield ended;
  } finally {
    closeSync(fd);
  }
}

function readLine(
  reader: HomeReader,
  spec: LineSpec,
  path: string,
  line: Line,
  mtimeMs: number,
  large: Parsed | undefined,
): HomeEntry[] {
  const { kind, parent, orphan } = spec;
  const where = { kind, path, line: line.number };
  if (isBlank(line.bytes)) return [problem(where, 'ignore', 'blank_line')];
  if (line.bytes.length > SOURCE_SIZE_MAX) return [problem(where, 'reject', 'too_large')];
  const parsed = large ?? parseRecord(line.bytes, spec.check);
  if ('refusal' in parsed) {
    const { reason } = parsed.refusal;
    if (!line.ended && isCutOff(reason, line.bytes)) return [problem(where, 'reject', 'torn_tail')];
    // Its newline says that the line is whole, so it did not just end too early.
    if (reason === 'truncated_json') return [problem(where, 'reject', 'malformed_json')];
    return [rejection(where, parsed.refusal)];
  }
  if (!line.ended && spec.newlineCommits) return [problem(where, 'reject', 'uncommitted_tail')];
  const { value } = parsed;
  const anomaly = line.ended ? spec.anomalyOf?.(value) : 'uncommitted_tail';
  return [
    {
      type: 'record',
      ...where,
      id: spec.idOf?.(value) ?? null,
      ...(parent === undefined ? {} : { parent }),
      ...parsed,
      ...(orphan === undefined ? {} : { orphan }),
      ...(anomaly === undefined ? {} : { anomaly }),
      mtimeMs,
      home: reader.home.root,
    },
    ...(orphan === undefined ? [] : [problem(where, 'orphan', orphan)]),
  ];
}

/**
 * The first `size` bytes of a file as lines. A line may be longer than memory for many chunks; while
 * such a one is read, undefined says now and then that others may have a turn.
 */
function* linesOf(fd: number, size: number): Generator<Line | undefined> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let number = 1;
  /** Where the line begins of which the chunks so far had no end. */
  let start = 0;
  let position = 0;
  while (position < size) {
    const length = readFully(fd, chunk, Math.min(CHUNK_BYTES, size - position), position);
    if (length === 0) break;
    let from = 0;
    for (;;) {
      const end = chunk.subarray(0, length).indexOf(NEWLINE, from);
      if (end < 0) break;
      const isPart = start < position;
      const bytes = isPart
        ? yield* readAgain(fd, start, position + end)
        : chunk.subarray(from, end);
      yield { number: number++, bytes, ended: true };
      from = end + 1;
      start = position + from;
    }
    position += length;
    if (from === 0) yield undefined;
  }
  if (start >= position) return;
  yield { number, bytes: yield* readAgain(fd, start, position), ended: false };
}

/** A line that does not lie in one chunk: its pieces beside it would double the memory. */
function* readAgain(fd: number, start: number, end: number): Generator<undefined, Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  let done = 0;
  while (done < bytes.length) {
    const wanted = Math.min(PIECE_BYTES, bytes.length - done);
    const length = readFully(fd, bytes, wanted, start + done, done);
    done += length;
    if (length < wanted) break;
    if (done < bytes.length) yield undefined;
  }
  return bytes.subarray(0, done);
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0b && byte !== 0x0c)
      return false;
  }
  return true;
}

/** A tail may be cut within a character, too. */
function isCutOff(reason: string, bytes: Buffer): boolean {
  if (reason === 'truncated_json') return true;
  if (reason !== 'invalid_utf8') return false;
  return [1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, -cut)));
}

function count(file: FileEntry, entry: HomeEntry): void {
  if (entry.type === 'record') file[entry.orphan === undefined ? 'records' : 'orphaned']++;
  else if (entry.type === 'problem' && entry.class === 'reject') file.failed++;
  else if (entry.type === 'problem' && entry.class === 'ignore') file.ignored++;
}
