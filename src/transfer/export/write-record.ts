import { loadBody } from '../../db/bodies.ts';
import { isLarge } from '../../db/large-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import { bodyColumns, type ExportContext, type Later } from './export-context.ts';
import { HollowRecord } from './hollow-record.ts';
import type { RecordPatch } from './record-patch.ts';
import { recordText } from './record-text.ts';

/** The row that has the body of a record, and the file that the record becomes. */
export interface RecordFile {
  readonly table: string;
  readonly id: string;
  readonly path: string;
  /** Unix milliseconds; now unless given. */
  readonly modifiedMs?: number | undefined;
}

/**
 * Writes the file of a record: at once, or later and piece by piece where its body is large.
 *
 * @param record - makes the record from the text of its body
 */
export function writeRecord(
  context: ExportContext,
  reader: Reader,
  { table, id, path, modifiedMs }: RecordFile,
  later: Later,
  record: (body: string) => Pick<RecordPatch, 'marked' | 'isCut'>,
): void {
  const row = bodyColumns(reader, table, id);
  const textOf = (body: string) => {
    const made = record(body);
    if (made.isCut) context.counter.skip(`${table}.details`, 'wrong_shape');
    return recordText(made.marked());
  };
  const { body_hash: hash } = row;
  if (hash === null || !isLarge(reader, row)) {
    context.target.write(path, textOf(loadBody(reader, row)), modifiedMs);
    return;
  }
  later(async () => {
    const hollow = new HollowRecord(context);
    const text = textOf(await hollow.body(hash));
    const file = context.target.lines(path);
    try {
      for await (const bytes of hollow.bytes(text)) file.append(bytes);
    } finally {
      file.close(modifiedMs);
    }
  });
}
