import { loadBody, storeBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import * as schema from '../model/audit.ts';
import type { AuditAppend, AuditEntry, AuditListOptions } from '../model/audit.ts';
import { parseJson } from '../model/json-text.ts';
import { formatTime } from '../model/time.ts';
import { validate } from '../model/validate.ts';
import { newUlid } from './new-id.ts';
import { between, readPage, type Condition, type Page } from './page.ts';
import type { Runner } from './runner.ts';

const COLUMNS = ['id', 'number', 'event', 'created_at', 'device', 'body', 'body_hash'] as const;

interface AuditRow extends BodyColumns {
  readonly id: string;
  readonly event: string;
  readonly created_at: number;
  readonly device: string;
}

/** What was approved, refused and changed, for later questions. Entries never change. */
export class Audit {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** When it resolves, the entry is on disk. */
  async append(input: AuditAppend): Promise<AuditEntry> {
    const { event, details } = validate(schema.auditAppendSchema, input, 'audit entry');
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      const id = newUlid(now);
      const { device } = transaction;
      transaction.insertPlain('audit_log', [
        { id, device, event, created_at: now, ...storeBody(transaction, JSON.stringify(details)) },
      ]);
      return { id, event, at: formatTime(now), details, device };
    });
  }

  /** Newest first, with their details: an entry has nothing else to it. */
  async list(options: AuditListOptions = {}): Promise<Page<AuditEntry>> {
    const query = validate(schema.auditListSchema, options, 'audit list');
    const where: Condition[] = between('created_at', query.since, query.until);
    if (query.event !== undefined) where.push({ sql: 'event = ?', params: [query.event] });
    return this.#runner.read((reader) => {
      const page = readPage<AuditRow>(reader, {
        table: 'audit_log',
        columns: COLUMNS,
        where,
        sort: 'created_at',
        descending: true,
        tie: 'number',
        limit: query.limit,
        cursor: query.cursor,
      });
      return { ...page, items: page.items.map((row) => toEntry(reader, row)) };
    });
  }
}

function toEntry(reader: Reader, row: AuditRow): AuditEntry {
  return {
    id: row.id,
    event: row.event,
    at: formatTime(row.created_at),
    details: parseJson(loadBody(reader, row)),
    device: row.device,
  };
}
