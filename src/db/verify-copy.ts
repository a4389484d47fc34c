import { DamagedStoreError } from '../errors.ts';
import { Connection } from './connection.ts';

/**
 * Reads a copy of a store back, every page of it.
 *
 * @throws `DamagedStoreError`
 */
export function verifyCopy(file: string, encryptionKey: string | undefined): void {
  const connection = new Connection(file, { busyWaitMs: 1000, encryptionKey, readOnly: true });
  try {
    const lines = connection.rows('pragma integrity_check').map((row) => String(row[0]));
    if (lines.some((line) => line !== 'ok')) {
      throw new DamagedStoreError(`${file} is damaged: ${lines.length} problems`);
    }
    connection.row('select id from device');
  } finally {
    connection.close();
  }
}
