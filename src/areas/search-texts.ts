import { loadBody, readBlob, type BodyColumns } from '../db/bodies.ts';
import { isLarge } from '../db/large-bodies.ts';
import type { Reader } from '../db/reader.ts';
import { indexPending, type SearchKind } from '../db/search-index.ts';
import type { Transaction } from '../db/transaction.ts';
import { HollowJson } from '../model/hollow-json.ts';
import { TEXT_LENGTH_MAX, messageText, plainText } from '../model/message-text.ts';

const BODY = ['body', 'body_hash'] as const;
/** Of a larger body only so much is looked through for what is searched, in bytes. */
const SEARCHED_BYTES_MAX = 8 << 20;

/** The text by which a record is found, from its rows; undefined when it is gone or deleted. */
export function searchText(reader: Reader, kind: SearchKind, id: string): string | undefined {
  switch (kind) {
    case 'session':
      return reader.first<{ title: string }>(['title'], 'from sessions where id = ?', [id])?.title;
    case 'message': {
      const row = reader.first<BodyColumns>(BODY, 'from session_messages where id = ?', [id]);
      return row && messageText(beginningOf(reader, row));
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
  return (beginningOf(reader, row) as Record<string, unknown> | null)?.[key];
}

/** Of what is damaged nothing: the check tells of it, and everything else is to be found all the same. */
function beginningOf(reader: Reader, row: BodyColumns): unknown {
  try {
    return readBeginning(reader, row);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A body, of a large one no more than is searched: this runs where other writers wait. */
function readBeginning(reader: Reader, row: BodyColumns): unknown {
  if (!isLarge(reader, row)) return JSON.parse(loadBody(reader, row));
  const json = new HollowJson(TEXT_LENGTH_MAX);
  let bytes = 0;
  for (const piece of readBlob(reader, row.body_hash ?? '')) {
    json.push(piece);
    bytes += piece.length;
    if (bytes >= SEARCHED_BYTES_MAX) return json.beginning();
  }
  return json.value();
}

/** Works off some notes of imported records; returns how many, 0 when none is left. */
export function indexSome(transaction: Transaction, limit: number): number {
  return indexPending(transaction, limit, (kind, id) => searchText(transaction, kind, id));
}
