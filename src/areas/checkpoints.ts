import * as schema from '../model/local-document.ts';
import type {
  CheckpointSummary,
  DocumentListOptions,
  LocalDocument,
} from '../model/local-document.ts';
import { formatTime } from '../model/time.ts';
import { idSchema, validate } from '../model/validate.ts';
import { clearDocument, loadDocument, saveDocument } from './local-documents.ts';
import { readPage, type Page } from './page.ts';
import type { Runner } from './runner.ts';

const TABLE = { name: 'session_checkpoints', key: 'id' } as const;

/**
 * A turn in flight, one per session, for recovery after a crash. They stay on this device, need no
 * session, and are only deleted by `clear`.
 */
export class Checkpoints {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Saves any JSON object for a session, in place of the last one. */
  async save(sessionId: string, document: LocalDocument): Promise<CheckpointSummary> {
    validate(idSchema, sessionId, 'session id');
    const checked = validate(schema.documentSchema, document, 'checkpoint');
    return this.#runner.write((transaction) => {
      const now = transaction.now();
      const row = { id: sessionId, session_id: sessionId, saved_at: now };
      saveDocument(transaction, TABLE, row, checked);
      return { id: sessionId, sessionId, savedAt: formatTime(now) };
    });
  }

  /** What was saved last, or null. */
  async load(sessionId: string): Promise<LocalDocument | null> {
    validate(idSchema, sessionId, 'session id');
    return this.#runner.read((reader) => loadDocument(reader, TABLE, sessionId));
  }

  /** Newest first. */
  async list(options: DocumentListOptions = {}): Promise<Page<CheckpointSummary>> {
    const query = validate(schema.documentListSchema, options, 'checkpoint list');
    return this.#runner.read((reader) => {
      const page = readPage<{ id: string; session_id: string; saved_at: number }>(reader, {
        table: TABLE.name,
        columns: ['id', 'session_id', 'saved_at'],
        where: [],
        sort: 'saved_at',
        descending: true,
        ...query,
      });
      const items = page.items.map((row) => ({
        id: row.id,
        sessionId: row.session_id,
        savedAt: formatTime(row.saved_at),
      }));
      return { ...page, items };
    });
  }

  /** Forgets the checkpoint for good; without one there is nothing to do. */
  async clear(sessionId: string): Promise<void> {
    validate(idSchema, sessionId, 'session id');
    return this.#runner.write((transaction) => {
      clearDocument(transaction, TABLE, sessionId);
    });
  }
}
