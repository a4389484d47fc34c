import * as schema from '../model/local-document.ts';
import type {
  DocumentListOptions,
  LocalDocument,
  OfflineQueueSummary,
} from '../model/local-document.ts';
import { formatTime } from '../model/time.ts';
import { validate } from '../model/validate.ts';
import { clearDocument, loadDocument, saveDocument } from './local-documents.ts';
import { readPage, type Page } from './page.ts';
import type { Runner } from './runner.ts';

const TABLE = { name: 'offline_queue', key: 'session_id' } as const;

/**
 * Input typed while offline, one queue per session; the empty session id is the single slot of old
 * versions, and `~` with eight digits marks that of another imported home. Queues stay on this device, need no session, and are only deleted by `clear`: another
 * session that starts takes nothing away.
 */
export class OfflineQueue {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * Saves any JSON object for a session, in place of the last one. The old program, and so a legacy
   * export, takes it where every one of its `messages` has a text `display`, or `text`.
   */
  async save(sessionId: string, document: LocalDocument): Promise<OfflineQueueSummary> {
    validate(schema.queueSessionSchema, sessionId, 'session id');
    const checked = validate(schema.documentSchema, document, 'offline queue');
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      saveDocument(transaction, TABLE, { session_id: sessionId, saved_at: now }, checked);
      return { sessionId, savedAt: formatTime(now) };
    });
  }

  /** What was saved last, or null. */
  async load(sessionId: string): Promise<LocalDocument | null> {
    validate(schema.queueSessionSchema, sessionId, 'session id');
    return this.#runner.read((reader) => loadDocument(reader, TABLE, sessionId));
  }

  /** Newest first. */
  async list(options: DocumentListOptions = {}): Promise<Page<OfflineQueueSummary>> {
    const query = validate(schema.documentListSchema, options, 'offline queue list');
    return this.#runner.read((reader) => {
      const page = readPage<{ session_id: string; saved_at: number }>(reader, {
        table: TABLE.name,
        columns: ['session_id', 'saved_at'],
        where: [],
        sort: 'saved_at',
        descending: true,
        tie: 'session_id',
        ...query,
      });
      const items = page.items.map((row) => ({
        sessionId: row.session_id,
        savedAt: formatTime(row.saved_at),
      }));
      return { ...page, items };
    });
  }

  /** Forgets the queue for good; without one there is nothing to do. */
  async clear(sessionId: string): Promise<void> {
    validate(schema.queueSessionSchema, sessionId, 'session id');
    return this.#runner.write((transaction) => {
      clearDocument(transaction, TABLE, sessionId);
    });
  }
}
