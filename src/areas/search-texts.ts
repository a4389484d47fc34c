import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import { indexPending, type SearchKind } from '../db/search-index.ts';
import type { Transaction } from '../db/transaction.ts';
import { messageText, plainText } from '../model/message-text.ts';

const BODY = ['body', 'body_hash'] as const;

/** The text by which a record is found, from its rows; undefined when it is gone or deleted. */
export function searchText(reader: Reader, kind: SearchKind, id: string): string | undefined {
  switch (kind) {
    case 'session':
      return reader.first<{ title: string }>(['title'], 'from sessions where id = ?', [id])?.title;
    case 'message': {
      const row = reader.first<BodyColumns>(BODY, 'from session_messages where id = ?', [id]);
      return row && messageText(JSON.parse(loadBody(reader, row)));
    }
    case 'task': {
      const row = reader.first<BodyColumns & { prompt: string }>(
        ['prompt', ...BODY],
        'from tasks where id = ?',
        [id],
      );
      return row && plainText(row.prompt, bodyField(reader, row, 'result_summary'));
    }
    case 'item': {
      const row = reader.first<BodyColumns & { summary: string }>(
        ['summary', ...BODY],
        'from runtime_items where id = ?',
        [id],
      );
      return row && plainText(row.summary, bodyField(reader, row, 'detail'));
    }
  }
}

function bodyField(reader: Reader, row: BodyColumns, key: string): unknown {
  const body = JSON.parse(loadBody(reader, row)) as Record<string, unknown> | null;
  return body?.[key];
}

/** Works off some notes of imported records; returns how many, 0 when none is left. */
export function indexSome(transaction: Transaction, limit: number): number {
  return indexPending(transaction, limit, (kind, id) => searchText(transaction, kind, id));
}
