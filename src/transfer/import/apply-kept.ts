import { createHash } from 'node:crypto';
import { storeBody } from '../../db/bodies.ts';
import { importPlain, importRow, type Outcome } from '../../db/import-row.ts';
import type { Transaction } from '../../db/transaction.ts';
import { objectMembers, patchObject } from '../../model/json-text.ts';
import { auditLine, auditTime, keptOfLine } from '../../model/legacy-lines.ts';
import { legacyRecords } from '../../model/registers.ts';
import { requiredTime, text, type Apply, type HomeContext, type ImportRecord } from './record.ts';

/**
 * Keeps a record word for word: a kind without a table, or one whose parent does not exist
 * (`orphaned`), which the next import tries again.
 */
export function keepRecord(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
  state: 'kept' | 'orphaned',
): Outcome {
  const id = keptId(record, context);
  const modifiedAt = Math.round(record.mtimeMs);
  const body = storeBody(transaction, record.raw);
  // A line stays what it was when its file grows, so its file's time says nothing about it.
  const same = transaction.number(
    'select count(*) from legacy_records where id = ? and state = ? and body is ? and body_hash is ?',
    [id, state, body.body, body.body_hash],
  );
  if (same > 0 || holdsCopy(transaction, record, context, body)) return 'unchanged';
  return importRow(
    transaction,
    legacyRecords,
    {
      id,
      kind: record.kind,
      path: record.path,
      position: record.line ?? 0,
      owner_id: record.parent ?? record.id,
      state,
      modified_at: modifiedAt,
      ...body,
    },
    modifiedAt,
    context.successor,
  );
}

/** A copy of the first home, moved or brought from another machine, adds nothing to it. */
function holdsCopy(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
  body: ReturnType<typeof storeBody>,
): boolean {
  if (context.label === '') return false;
  return (
    transaction.number(
      `select count(*) from legacy_records
       where kind = ? and path = ? and position = ? and body is ? and body_hash is ?`,
      [record.kind, record.path, record.line ?? 0, body.body, body.body_hash],
    ) > 0
  );
}

/** Forgets an orphan whose parent has come: its record is now in a table. */
export function releaseOrphan(
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
): void {
  transaction.run(`delete from legacy_records where id = ? and state = 'orphaned'`, [
    keptId(record, context),
  ]);
}

function keptId(record: ImportRecord, context: HomeContext): string {
  // Rows of a database share one path and have no line; their key tells them apart.
  const at = record.line ?? (record.kind.startsWith('state.') ? record.id : 0);
  const place = JSON.stringify([context.label, record.kind, record.path, at]);
  return createHash('sha256').update(place).digest('hex').slice(0, 32);
}

export const applyKept: Apply = (transaction, record, context) =>
  keepRecord(transaction, record, context, 'kept');

/** A line of the audit log: its text, and how often that came before, is all the identity it has. */
export const applyAudit: Apply = (transaction, record, context) => {
  const { raw, value } = record;
  const digest = createHash('sha256').update(raw).digest('hex').slice(0, 28);
  const count = context.occurrence(`audit ${digest}`);
  const ts = text(value, 'ts');
  const at = requiredTime(value, 'ts');
  const event = text(value, 'event');
  const details = objectMembers(raw).find((member) => member.key === 'details');
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
