import { StoreError } from '../errors.ts';
import type { Refusal } from './check/shape.ts';
import type { ProblemEntry } from './home-entry.ts';
import type { LegacyKind } from './kinds.ts';

const SENTENCES: Record<ProblemEntry['reason'], string> = {
  symlink: 'It is a symbolic link, which is not followed.',
  invalid_name: 'Its name is not valid UTF-8.',
  unreadable: 'It cannot be read.',
  changing: 'It was being written all the time.',
  too_large: 'It is larger than 500 MiB.',
  empty_file: 'The file is empty.',
  damaged_db: 'It is no SQLite database, or a damaged one.',
  invalid_utf8: 'It is not valid UTF-8.',
  malformed_json: 'It is not valid JSON.',
  truncated_json: 'The JSON ends too early.',
  torn_tail: 'The last line is cut off.',
  uncommitted_tail: 'The last line has no newline, so its writer had not finished it.',
  duplicate_key: 'An object has the same key twice.',
  lone_surrogate: 'A text has half a surrogate pair.',
  too_deep: 'It is nested deeper than 128 levels.',
  wrong_shape: 'A value has the wrong type.',
  missing_field: 'A field is missing.',
  unknown_fields: 'It has fields that this kind of record may not have.',
  unknown_variant: 'A value is none of those that are known.',
  invalid_value: 'A value is out of range or not well-formed.',
  newer_schema: 'Its schema version is newer than the ones that are known.',
  unsafe_id: 'Its id could not be the name of a file.',
  not_stored: 'The store could not take it.',
  duplicate_id: 'Another record has the same id and goes first.',
  invalid_item_json: 'Its item_json is not valid JSON.',
  invalid_state_json: 'Its state_json is not valid JSON.',
  invalid_json_column: 'One of its JSON columns is not valid JSON.',
  message_without_thread: 'Its thread does not exist.',
  checkpoint_without_thread: 'Its thread does not exist.',
  tool_without_thread: 'Its thread does not exist.',
  goal_without_thread: 'Its thread does not exist.',
  receipt_without_session: 'Its session does not exist.',
  turn_without_thread: 'Its thread does not exist.',
  item_without_turn: 'Its turn does not exist.',
  item_of_orphan_turn: 'The thread of its turn does not exist.',
  events_without_thread: 'Its thread does not exist.',
  run_without_automation: 'Its automation does not exist.',
  temp_file: 'It is a temporary file.',
  foreign_file: 'It is no file of this store.',
  later_format: 'It belongs to a later version of the program.',
  directory: 'It is a directory where files are expected.',
  blank_line: 'The line is blank.',
  empty_log: 'The log is empty.',
  staged_task: 'The task was being created and never became one.',
  artifact_dir_without_session: 'It belongs to a session that does not exist.',
  artifact_dir_without_task: 'It belongs to a task that does not exist.',
  id_filename_mismatch: 'The id inside differs from the name of the file.',
  thread_id_filename_mismatch: 'The thread inside differs from the name of the log.',
  missing_schema_version: 'It has no schema version, so the current one is assumed.',
  schema_v1: 'It has schema version 1.',
  unknown_enum: 'A value is none of those that are known; it is kept.',
};

/** A problem with the standard sentence for its reason. */
export function problem(
  where: { kind: LegacyKind; path: string; line?: number | undefined },
  className: ProblemEntry['class'],
  reason: ProblemEntry['reason'],
  /** The name of the field that it is about. */
  field = '',
): ProblemEntry {
  const { kind, path, line } = where;
  const sentence = SENTENCES[reason];
  return {
    type: 'problem',
    path,
    ...(line === undefined ? {} : { line }),
    kind,
    class: className,
    reason,
    message: field === '' ? sentence : `${sentence.slice(0, -1)}: "${field}".`,
  };
}

/** The problem of a sound record that the store could not take; the error names columns, no contents. */
export function refusedByStore(
  where: { kind: LegacyKind; path: string; line?: number | undefined },
  error: Error,
): ProblemEntry {
  const told = problem(where, 'reject', 'not_stored');
  return error instanceof StoreError
    ? { ...told, message: `${told.message} ${error.message}.` }
    : told;
}

/** The problem of a record that was refused. */
export function rejection(
  where: { kind: LegacyKind; path: string; line?: number | undefined },
  refusal: Refusal,
): ProblemEntry {
  return problem(where, 'reject', refusal.reason, refusal.at);
}
