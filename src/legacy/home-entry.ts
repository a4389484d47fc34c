import type { LongStrings } from '../model/long-strings.ts';
import type {
  AnomalyReason,
  IgnoreReason,
  LegacyKind,
  OrphanReason,
  RejectReason,
} from './kinds.ts';

/** A file (or a table of state.db) as it was when it was read. */
export interface SourceFile {
  /** Relative to the home's root with `/`, absolute when outside; `state.db:TABLE` for a table. */
  path: string;
  kind: LegacyKind;
  /** In bytes. */
  size: number;
  sha256: string;
  mtimeMs: number;
}

/** A record that can be taken, or kept apart when `orphan` is set. */
export interface RecordEntry {
  type: 'record';
  kind: LegacyKind;
  path: string;
  /** Counted from 1, for records that are lines. */
  line?: number;
  /** The inner id; the file's name for records that hold none; null where there is but one, or lines. */
  id: string | null;
  /** Whose file it lies in: the session of a receipt, the thread of an event. */
  parent?: string;
  /** Minified, else exactly as it was spelled. */
  raw: string;
  value: object;
  /** Of a large record: `raw` has stand-ins in the place of its long strings. */
  strings?: LongStrings;
  orphan?: OrphanReason;
  anomaly?: AnomalyReason;
  mtimeMs: number;
  home: string;
}

/** A record that is refused or kept apart, or a file or line that is no record. */
export interface ProblemEntry {
  type: 'problem';
  path: string;
  line?: number;
  kind: LegacyKind;
  class: 'reject' | 'orphan' | 'ignore' | 'anomaly';
  reason: RejectReason | OrphanReason | IgnoreReason | AnomalyReason;
  /** One sentence, with nothing of the record's content in it. */
  message: string;
}

/** A tool output or another file that belongs to a session or a task, not read beyond its hash. */
export interface ArtifactEntry {
  type: 'artifact';
  owner: 'session' | 'task';
  /** The name of the directory that it lies in. */
  ownerId: string;
  path: string;
  /** Absolute. */
  file: string;
  size: number;
  sha256: string;
  mtimeMs: number;
}

/** Comes after all entries of a file. */
export interface FileEntry {
  type: 'file';
  file: SourceFile;
  outcome: 'read' | 'unchanged';
  /** Records that came in, orphans not among them. */
  records: number;
  orphaned: number;
  failed: number;
  ignored: number;
  /** Of the record in a record file, of all rows of `state.db:threads`; none for logs. */
  ids: string[];
}

export type HomeEntry = RecordEntry | ProblemEntry | ArtifactEntry | FileEntry;

/** What an earlier import remembers of a file. */
export interface FileMark {
  ids: string[];
  records: number;
  ignored?: number;
}

/** What reading needs to know from the store. */
export interface ReadHooks {
  /**
   * What an earlier import remembered of this path, when size and hash are still the same and every
   * record of it came in; then the file is not parsed again.
   */
  mark(file: SourceFile): FileMark | undefined;
  /** Whether the store holds this parent already, so that its children are no orphans. */
  known(kind: LegacyKind, id: string): boolean;
  /** The file of the store: a database of the home is copied beside it for the reading. */
  readonly store: string;
  /** From how many bytes on a record counts as large. */
  readonly largeBytes?: number | undefined;
}
