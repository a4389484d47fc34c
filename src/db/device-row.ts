import type { Clock } from '../model/version.ts';
import type { Reader } from './reader.ts';

/** Who this store is, and what its writes need to know of it. */
export interface DeviceRow {
  readonly id: string;
  readonly contentKey: string;
  readonly clock: Clock;
  readonly capturing: boolean;
}

export function readDevice(reader: Reader): DeviceRow {
  const row = reader.first<{
    id: string;
    content_key: string;
    clock_ms: number;
    clock_counter: number;
    capturing: number;
  }>(['id', 'content_key', 'clock_ms', 'clock_counter', 'capturing'], 'from device');
  if (!row) throw new Error('the store has no device row');
  return {
    id: row.id,
    contentKey: row.content_key,
    clock: { ms: row.clock_ms, counter: row.clock_counter },
    capturing: row.capturing === 1,
  };
}
