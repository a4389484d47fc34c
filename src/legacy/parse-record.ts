import { isUtf8 } from 'node:buffer';
import { JsonTextError, minifyJsonBytes, parseJson } from '../model/json-text.ts';
import type { LongStrings } from '../model/long-strings.ts';
import { withOddNumbersMarked } from './check/odd-numbers.ts';
import { isObject, type Check, type Refusal } from './check/shape.ts';

/** A record as it was spelled and as JavaScript reads it. */
export interface ParsedRecord {
  raw: string;
  value: Record<string, unknown>;
  /** Where the text has stand-ins in their place. */
  strings?: LongStrings;
}

export type Parsed = ParsedRecord | { refusal: Refusal };

/** Reads one record and checks it, from bytes to the last field. */
export function parseRecord(bytes: Buffer, check: Check): Parsed {
  if (bytes.length === 0) return refused('empty_file');
  if (!isUtf8(bytes)) return refused('invalid_utf8');
  let minified;
  try {
    minified = minifyJsonBytes(bytes);
  } catch (error) {
    if (error instanceof JsonTextError) return refused(error.reason);
    throw error;
  }
  const value = parseJson(minified.text);
  if (!isObject(value)) return refused('wrong_shape');
  let refusal = check(value);
  if (refusal === undefined && minified.oddNumbers) {
    refusal = withOddNumbersMarked(minified.text, check);
  }
  return refusal === undefined ? { raw: minified.text, value } : { refusal };
}

function refused(reason: Refusal['reason']): { refusal: Refusal } {
  return { refusal: { reason, at: '' } };
}
