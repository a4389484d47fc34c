import { loadBody } from '../../db/bodies.ts';
import { isLarge } from '../../db/large-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { MutableTable } from '../../model/table-kinds.ts';
import { bodyColumns, type ExportContext, type Later } from './export-context.ts';
import { HollowRecord } from './hollow-record.ts';
import type { RecordPatch } from './record-patch.ts';
import { recordText } from './record-text.ts';
import { saidOf, textDigest } from './said.ts';

/** The row that has the body of a record, and the file that the record becomes. */
export interface RecordFile {
  readonly table: MutableTable;
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
  record: (body: string) => Pick<RecordPatch, 'result' | 'marked' | 'isCut'>,
): void {
  const row = bodyColumns(reader, table.name, id);
  const made = (body: string) => {
    const patch = record(body);
    if (patch.isCut) context.counter.skip(`${table.name}.details`, 'wrong_shape');
    return patch;
  };
  const { body_hash: hash } = row;
  if (hash === null || !isLarge(reader, row)) {
    const said = (raw: string) => saidOf(reader, table, id, textDigest(raw));
    context.target.write(path, recordText(made(loadBody(reader, row)).marked(said)), modifiedMs);
    return;
  }
  // Of the same state as the body; the digest is known when that was read.
  const said = saidOf(reader, table, id, '');
  later(async () => {
    const hollow = new HollowRecord(context);
    const patch = made(await hollow.body(hash));
    const of = said && (await hollow.digest(patch.result()));
    const text = recordText(patch.marked(() => said && { ...said, of }));
    const file = context.target.lines(path);
    try {
      for await (const bytes of hollow.bytes(text)) file.append(bytes);
    } finally {
      file.close(modifiedMs);
    }
  });
}
