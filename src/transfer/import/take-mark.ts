import type { RecordEntry } from '../../legacy/home-entry.ts';
import { patchObject } from '../../model/json-text.ts';
import { ROW_MARK, takeMark, type RowMark } from '../../model/row-mark.ts';
import { withStoredBlocks } from '../../model/stored-block.ts';
import { legacyId, taskId } from '../export/legacy-names.ts';
import { object, type HomeContext } from './record.ts';

/** A record without its mark. */
export type Unmarked = RecordEntry & {
  readonly mark?: RowMark;
  /** Its text as the export made it. */
  readonly exported?: string;
};

/**
 * Takes the mark of an export out of a record. Ids that were spelled anew are again those of the
 * store, in its value; an id that is not spelled so is not believed.
 */
export function unmarked(entry: RecordEntry, context: HomeContext): Unmarked {
  const isDocument = entry.kind === 'sessions' || entry.kind === 'checkpoints';
  const { raw: exported, mark } = takeMark(entry.raw);
  const raw = isDocument ? withStoredBlocks(exported) : exported;
  if (raw === entry.raw) return entry;
  const value = entry.value as Record<string, unknown>;
  Reflect.deleteProperty(value, ROW_MARK);
  if (!mark) return { ...entry, raw, exported };
  const named = isDocument ? object(value, 'metadata') : value;
  const ids = Object.entries(mark.ids ?? {}).filter(([key, id]) => {
    const spelled = named[key];
    return spelled === legacyId(id) || spelled === taskId(id);
  });
  let { id } = entry;
  for (const [key, own] of ids) {
    if (key === 'id' && entry.kind !== 'checkpoints') {
      context.rename(entry.kind, String(named[key]), own);
      if (!isDocument) id = own;
    }
    named[key] = own;
  }
  const turnId = ids.find(([key]) => entry.kind === 'tasks' && key === 'turn_id')?.[1];
  const kept: Record<string, string | undefined> = {};
  for (const [key, json] of Object.entries(mark.was ?? {})) kept[key] = json ?? undefined;
  // A task is kept with the id that its turn has here.
  if (turnId !== undefined) kept['turn_id'] = JSON.stringify(turnId);
  return { ...entry, id, raw: patchObject(raw, kept), mark, exported };
}
