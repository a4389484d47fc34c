import { createHash } from 'node:crypto';
import { storeBody } from '../../db/bodies.ts';
import { importChange, importPlain, importRow, type Outcome } from '../../db/import-row.ts';
import type { Reader } from '../../db/reader.ts';
import type { Transaction } from '../../db/transaction.ts';
import { objectMembers, patchObject } from '../../model/json-text.ts';
import { auditLine, auditTime, keptOfLine } from '../../model/legacy-lines.ts';
import { legacyRecords } from '../../model/registers.ts';
import { storeRecordText } from './large-parts.ts';
import { claimedRow } from './plain-rows.ts';
import { requiredTime, text, type Apply, type HomeContext, type ImportRecord } from './record.ts';

/**
 * Keeps a record word for word: a kind without a table, or one whose parent does not exist
 * (`orphaned`), which the next import tries again.
 *
 * What it says is all that counts, not when its file was written: a copy of a home has other times.
 */
export function keepRecord(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
  state: 'kept' | 'orphaned',
): Outcome {
  const body = storeRecordText(transaction, record, record.raw);
  const ids = keptIds(record, context);
  const held = transaction.first<{ id: string; state: string }>(
    ['id', 'state'],
    `from legacy_records where id in (select value from json_each(?))
     and body is ? and body_hash is ? order by state`,
    [JSON.stringify([ids.own, ...ids.places]), body.body, body.body_hash],
  );
  if (held && (held.state === state || held.state === 'kept')) return 'unchanged';
  return importRow(
    transaction,
    legacyRecords,
    {
      id: held?.id ?? idToTake(transaction, record, context, ids),
      kind: record.kind,
      path: record.path,
      position: record.line ?? 0,
      owner_id: record.parent ?? record.id,
      state,
      modified_at: NO_TIME,
      ...body,
    },
    { ms: undefined, successor: true },
  );
}

/** A file's time is no part of what it says. */
export const NO_TIME = 0;

/** The ids under which a record may stand. */
interface KeptIds {
  /** Of a line: by what it says, and how often the file said that before. Else by its place. */
  readonly own: string;
  /** By its place, for a home that is alone, or the first to have that file. */
  readonly place: string;
  /** By its place in a home of which an earlier one has another file of that path. */
  readonly ranked: string;
  /** As earlier versions of this program made it: by its place and by where the home lies. */
  readonly former: string;
  /** By its place in every home of which this one may be a copy. */
  readonly places: readonly string[];
}

function keptIds(record: ImportRecord, context: HomeContext): KeptIds {
  const { kind, path, line } = record;
  // Rows of a database share one path and have no line; their key tells them apart.
  const at = line ?? (kind.startsWith('state.') ? record.id : 0);
  const idIn = (home: string) => digestOf(JSON.stringify([home, kind, path, at])).slice(0, 32);
  const place = idIn('');
  const ranked = idIn(context.rank);
  const former = idIn(context.label);
  const places = [...context.labels].map(idIn);
  if (line === undefined) return { own: place, place, ranked, former, places };
  const text = record.large?.digests?.kept ?? digestOf(JSON.stringify([kind, path, record.raw]));
  const own = digestOf(`${text} ${context.occurrence(`kept ${text}`)}`).slice(0, 32);
  return { own, place, ranked, former, places };
}

/** Where a record goes that the store does not hold as it is now: over what it said before, if anywhere. */
function idToTake(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
  ids: KeptIds,
): string {
  if (record.line !== undefined || context.label === '') return ids.own;
  const stands = (id: string) =>
    transaction.number('select count(*) from legacy_records where id = ?', [id]) > 0;
  if (stands(ids.former)) return ids.former;
  return stands(ids.place) && context.cameEarlier(transaction, record.path)
    ? ids.ranked
    : ids.place;
}

/**
 * Empties an orphan whose parent has come: its record is now in a table. As a change and not as a
 * deletion, so that other devices hear of it.
 */
export function releaseOrphan(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
): void {
  if (!context.anyOrphans(() => hasOrphans(transaction))) return;
  const ids = keptIds(record, context);
  for (const id of new Set([idToTake(transaction, record, context, ids), ids.former])) {
    const sql = `select count(*) from legacy_records where id = ? and state = 'orphaned'`;
    if (transaction.number(sql, [id]) === 0) continue;
    importChange(transaction, legacyRecords, id, { state: 'kept', body: EMPTY, body_hash: null });
  }
}

function hasOrphans(reader: Reader): boolean {
  return reader.number(`select exists (select 1 from legacy_records where state = 'orphaned')`) > 0;
}

/** The body of a kept record of which nothing is left. */
const EMPTY = 'null';

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export const applyKept: Apply = (transaction, record, context) =>
  record.mark?.made ? 'unchanged' : keepRecord(transaction, record, context, 'kept');

/** A line of the audit log: its text, and how often that came before, is all the identity it has. */
export const applyAudit: Apply = (transaction, record, context) => {
  const { raw, value, mark } = record;
  const ts = text(value, 'ts');
  const at = requiredTime(value, 'ts');
  const event = text(value, 'event');
  const details = objectMembers(raw).find((member) => member.key === 'details');
  if (mark?.id !== undefined && mark.device !== undefined) {
    const said = { event, created_at: at, ...storeBody(transaction, details?.value ?? 'null') };
    const { id, device } = mark;
    const held = claimedRow(transaction, 'audit_log', id, said);
    if (held === 'same') return 'unchanged';
    if (held === 'absent') return importPlain(transaction, 'audit_log', { id, device, ...said });
  }
  const digest = createHash('sha256').update(raw).digest('hex').slice(0, 28);
  const count = context.occurrence(`audit ${digest}`);
  const canonical = auditLine(ts, event, details?.value ?? '');
  return importPlain(transaction, 'audit_log', {
    id: `au_${digest}${count === 0 ? '' : `-${count}`}`,
    event,
    created_at: at,
    legacy: keptOfLine({ raw, canonical }, ts, auditTime(at), () =>
      details ? patchObject(raw, { details: 'null' }) : raw,
    ),
    ...storeBody(transaction, details?.value ?? 'null'),
  });
};
