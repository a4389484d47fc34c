import * as z from 'zod';
import { objectMembers, parseJson, patchObject } from './json-text.ts';
import { TIME_MAX_MS, TIME_MIN_MS } from './time.ts';

/**
 * The member, or the column, by which an exported record names the rows that it was made of. The old
 * program passes over it; an import takes it out, and believes it where the record says the same as
 * the row.
 */
export const ROW_MARK = 'store_row';

// A home may come from anywhere: what a mark says goes into rows that no other check looks at.
const rowId = z
  .string()
  .min(1)
  .max(300)
  .refine((id) => !id.includes('\0') && id.isWellFormed());
const time = z.int().min(TIME_MIN_MS).max(TIME_MAX_MS);
const numberJson = z.string().regex(/^(?:null|-?\d{1,19}(?:\.\d{1,19})?(?:[eE][+-]?\d{1,2})?)$/);
const listJson = z.string().refine((json) => Array.isArray(parsed(json)));

/** A row that never changes: no import makes its id again from what it says. */
const device = z.string().regex(/^[A-Za-z0-9]{1,64}$/);
const plainRowSchema = z.object({ id: rowId, device });

const markSchema = z.object({
  ...plainRowSchema.partial().shape,
  /** Member to the id that stands there under another spelling. */
  ids: z.record(z.string(), rowId).optional(),
  /** Members that the export changed, as the kept record spells them; null: it had none. */
  was: z
    .strictObject({
      id: numberJson.nullable(),
      parent_entry_id: numberJson.nullable(),
      next_seq: numberJson.nullable(),
      queue: listJson.nullable(),
    })
    .partial()
    .optional(),
  /** Nobody wrote the record but the export: there is nothing to keep of it. */
  made: z.literal(true).optional(),
  /**
   * Of a session, the messages of which an import would make others. `says` is the id that it would
   * make, `at` in unix milliseconds.
   */
  messages: z
    .array(z.object({ ...plainRowSchema.shape, at: time.nullable(), says: z.string() }))
    .optional(),
  /**
   * By device, when it said what stands in which registers, in unix milliseconds. The record repeats
   * these words while it is as the export made it, which has the digest `of`.
   */
  said: z.record(device, z.record(z.string(), time)).optional(),
  of: z.string().optional(),
  /** Of a message in state.db: its time in unix milliseconds, and what it goes on from. */
  at: time.optional(),
  parent: rowId.nullable().optional(),
  /** Of a thread in state.db: the end of its current branch. */
  leaf: rowId.optional(),
});

export type RowMark = z.output<typeof markSchema>;

/** Adds a mark to the text of an object. */
export function withMark(raw: string, mark: RowMark): string {
  const member = `"${ROW_MARK}":${JSON.stringify(mark)}}`;
  return raw === '{}' ? `{${member}` : `${raw.slice(0, -1)},${member}`;
}

/** Takes the mark out of the text of a record; as JSON text inside a string, where it is a column. */
export function takeMark(raw: string): { raw: string; mark: RowMark | undefined } {
  if (!raw.includes(`"${ROW_MARK}":`)) return { raw, mark: undefined };
  const json = objectMembers(raw).find(({ key }) => key === ROW_MARK)?.value;
  if (json === undefined) return { raw, mark: undefined };
  const bare = patchObject(raw, { [ROW_MARK]: undefined });
  if (json === 'null') return { raw: bare, mark: undefined };
  const mark = markSchema.safeParse(
    parsed(json.startsWith('"') ? (parseJson(json) as string) : json),
  );
  return mark.success ? { raw: bare, mark: mark.data } : { raw, mark: undefined };
}

function parsed(json: string): unknown {
  try {
    return parseJson(json);
  } catch {
    // Not of this program.
    return undefined;
  }
}
