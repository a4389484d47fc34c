import { closeSync } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import type { Check } from './check/shape.ts';
import type { FileEntry, HomeEntry, SourceFile } from './home-entry.ts';
import { unchangedFile, type HomeReader } from './home-reader.ts';
import type { AnomalyReason, LegacyKind, OrphanReason } from './kinds.ts';
import { parseRecord } from './parse-record.ts';
import { problem, rejection } from './problem.ts';
import { hashOf, openSource, readFully, SOURCE_SIZE_MAX } from './read-source.ts';

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
export function* readLines(reader: HomeReader, spec: LineSpec, file: string): Generator<HomeEntry> {
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
      sha256: hashOf(fd, size).sha256,
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
      for (const entry of readLine(reader, spec, where.path, line, mtimeMs)) {
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
): HomeEntry[] {
  const { kind, parent, orphan } = spec;
  const where = { kind, path, line: line.number };
  if (isBlank(line.bytes)) return [problem(where, 'ignore', 'blank_line')];
  if (line.bytes.length > SOURCE_SIZE_MAX) return [problem(where, 'reject', 'too_large')];
  const parsed = parseRecord(line.bytes, spec.check);
  if ('refusal' in parsed) {
    const { reason } = parsed.refusal;
    if (!line.ended && isCutOff(reason, line.bytes)) return [problem(where, 'reject', 'torn_tail')];
    // Its newline says that the line is whole, so it did not just end too early.
    if (reason === 'truncated_json') return [problem(where, 'reject', 'malformed_json')];
    return [rejection(where, parsed.refusal)];
  }
  if (!line.ended && spec.newlineCommits) return [problem(where, 'reject', 'uncommitted_tail')];
  const { raw, value } = parsed;
  const anomaly = line.ended ? spec.anomalyOf?.(value) : 'uncommitted_tail';
  return [
    {
      type: 'record',
      ...where,
      id: spec.idOf?.(value) ?? null,
      ...(parent === undefined ? {} : { parent }),
      raw,
      value,
      ...(orphan === undefined ? {} : { orphan }),
      ...(anomaly === undefined ? {} : { anomaly }),
      mtimeMs,
      home: reader.home.root,
    },
    ...(orphan === undefined ? [] : [problem(where, 'orphan', orphan)]),
  ];
}

/** The first `size` bytes of a file as lines. A line may be longer than memory for many chunks. */
export function* linesOf(fd: number, size: number): Generator<Line> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let number = 1;
  /** The beginning of a line that is longer than the chunks read so far. */
  let pending: Buffer[] = [];
  for (let position = 0; position < size;) {
    const length = readFully(fd, chunk, Math.min(CHUNK_BYTES, size - position), position);
    if (length === 0) break;
    position += length;
    let from = 0;
    for (;;) {
      const end = chunk.subarray(0, length).indexOf(NEWLINE, from);
      if (end < 0) break;
      const tail = chunk.subarray(from, end);
      yield { number: number++, bytes: joined(pending, tail), ended: true };
      pending = [];
      from = end + 1;
    }
    if (from < length) pending.push(Buffer.from(chunk.subarray(from, length)));
  }
  if (pending.length > 0) yield { number, bytes: joined(pending), ended: false };
}

function joined(pending: Buffer[], tail?: Buffer): Buffer {
  if (pending.length === 0 && tail !== undefined) return tail;
  return Buffer.concat(tail === undefined ? pending : [...pending, tail]);
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
