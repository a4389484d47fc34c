import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync, statSync } from 'node:fs';
import { join, dirname } from 'node:path';
import type { Database } from '../db/database.ts';
import { FileSystemError } from '../errors.ts';
import { Memory, type Exchange } from './exchange.ts';
import { HttpHub } from './hub/http-hub.ts';
import type { TokenSource } from './hub/hub-request.ts';
import { ReplicaHub } from './hub/replica-hub.ts';
import { heldRing } from './keys/held-ring.ts';
import { machineId } from './machine.ts';
import { StorePace } from './pace.ts';
import { ReplicaReader } from './replica-reader.ts';
import { heldKeyOf, needState, type SyncState } from './state.ts';

/** What of a store is needed to reach its hub. */
export interface Access {
  readonly database: Database;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Of the store at rest; the copy of the hub beside it gets the same. */
  readonly encryptionKey?: string | undefined;
}

/** The way to the hub of a store, until it is closed. */
export interface Connected {
  readonly exchange: Exchange;
  readonly url: string;
  readonly token: TokenSource;
  close(): void;
}

/**
 * Opens the way to the hub that the store's sync state names; nothing is sent yet.
 *
 * @throws `SyncOffError`; `SyncKeyError` the keys of this device are damaged
 */
export async function connect(access: Access, memory = new Memory()): Promise<Connected> {
  const { database, now, encryptionKey } = access;
  const state = await database.read(needState);
  const token = tokenSource(state.tokenFile);
  const { url } = state;
  const hub = new HttpHub({ url, token });
  const path = replicaPath(database.path);
  const replica =
    state.pull === 'http'
      ? undefined
      : new ReplicaReader(new ReplicaHub({ path, url, token, encryptionKey }), state.pull);
  return {
    exchange: {
      database,
      hub,
      replica,
      ring: heldRing(heldKeyOf(state)),
      lock: state.keyCheck,
      now,
      info: infoOf(state),
      machine: machineId(),
      memory,
      pace: new StorePace(database, (ms) => sleep(ms)),
    },
    url,
    token,
    close: () => {
      hub.close();
      replica?.close();
    },
  };
}

/** A copy of the hub, beside the store; it may be deleted at any time. */
export function replicaPath(storePath: string): string {
  return join(dirname(storePath), 'hub-replica.db');
}

export function infoOf(state: Pick<SyncState, 'deviceName'>): { name: string; platform: string } {
  return { name: state.deviceName, platform: `${process.platform}-${process.arch}` };
}

/** Read anew for every request, so that a new token counts as soon as it is in the file. */
export function tokenSource(file: string | null): TokenSource {
  if (file === null) return () => undefined;
  return () => {
    try {
      // A pipe would be waited for, and nothing could end that.
      if (!statSync(file).isFile()) throw new Error('it is no file');
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      throw new FileSystemError(`the token file ${file} cannot be read`, error);
    }
  };
}
