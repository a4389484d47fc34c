import { hostname } from 'node:os';
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { rmSync } from 'node:fs';
import * as z from 'zod';
import { setImmediate } from 'node:timers/promises';
import type { Page } from '../areas/page.ts';
import { indexSome } from '../areas/search-texts.ts';
import { AmbiguousIdError, NotFoundError } from '../errors.ts';
import { formatTime } from '../model/time.ts';
import { pathSchema, validate } from '../model/validate.ts';
import { connect, replicaPath, type Access } from './connect.ts';
import { readDevices, revokeDevice } from './devices.ts';
import { disableSync, enableSync, type Enabled } from './enable.ts';
import { enableSchema, wantedKey, type EnableOptions } from './enable-options.ts';
import { readPassphraseFile } from './keys/key-file.ts';
import {
  listConflicts,
  listParked,
  listSchema,
  type Conflict,
  type ParkedEntry,
} from './listings.ts';
import { exportKey, rotateKey, type ExportedKey } from './rotate-key.ts';
import { readStatus, type SyncDevice, type SyncStatus } from './status.ts';
import { syncOnce, type Exchanged, type Progress } from './sync-once.ts';
import { digestStore, type Digest } from './verify.ts';
import { recordFailure, recordSuccess } from './worker/record-status.ts';
import { exchanges } from './worker/exchanges.ts';
import { startWorkerThread, type WorkerThread } from './worker/host.ts';

/** Records of one transaction: others get to write in between. */
const INDEX_STEP = 50;

/** What one exchange did. */
export interface SyncReport {
  pushed: number;
  pulled: number;
  applied: number;
  parked: number;
  hubSeq: number;
  cursor: number;
  tookMs: number;
}

interface SyncEvents {
  status: [SyncStatus];
  applied: [number];
}

/** Keeps a store in step with the user's other machines. Every method rejects with a `StoreError`. */
export class Sync {
  readonly #access: Access;
  readonly #durability: 'full' | 'normal';
  readonly #onApplied: () => void;
  readonly #events = new EventEmitter<SyncEvents>();
  #worker: WorkerThread | undefined;

  /** @param onApplied - called after entries of other devices were applied */
  constructor(access: Access, durability: 'full' | 'normal', onApplied: () => void) {
    this.#access = access;
    this.#durability = durability;
    this.#onApplied = onApplied;
  }

  /**
   * Turns sync with a hub on. The hub, the token and the key are checked first; nothing is sent
   * before. From then on changes are noted, and what was written earlier is offered.
   *
   * @throws `HubForeignError`, `HubAccessError`, `SyncKeyError`, `HubUnreachableError`
   */
  async enable(url: string, options: EnableOptions = {}): Promise<Enabled> {
    const address = validate(z.string().min(1).max(2000), url, 'url');
    const checked = validate(enableSchema, options, 'enable');
    const { tokenFile, name, pull, join } = checked;
    return enableSync(this.#access, {
      url: address,
      tokenFile: tokenFile === undefined ? null : resolve(tokenFile),
      key: wantedKey(checked),
      name: name ?? hostname(),
      pull,
      join,
    });
  }

  /** Turns sync off. Everything that is here stays; what was not sent is offered when it is on again. */
  async disable(): Promise<void> {
    await this.stop();
    await disableSync(this.#access);
    for (const suffix of ['', '-wal', '-shm', '-info', '-client_wal_index']) {
      rmSync(replicaPath(this.#access.database.path) + suffix, { force: true });
    }
  }

  /** Exchanges everything once. @throws the errors of the hub */
  async now(
    options: { signal?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
  ): Promise<SyncReport> {
    const start = performance.now();
    const connected = await connect(this.#access);
    const abort = () => {
      connected.close();
    };
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      const exchanged = await syncOnce(connected.exchange, options.signal, options.onProgress);
      await recordSuccess(this.#access, connected.exchange, exchanged.meta);
      if (exchanged.applied > 0) this.#onApplied();
      await this.#index();
      return toReport(exchanged, performance.now() - start);
    } catch (error) {
      await recordFailure(this.#access, error);
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', abort);
      connected.close();
    }
  }

  /** Starts the worker, in a thread of its own; it does not keep the process alive. */
  async start(): Promise<void> {
    this.#worker ??= await startWorkerThread(
      {
        path: this.#access.database.path,
        durability: this.#durability,
        encryptionKey: this.#access.encryptionKey,
      },
      {
        status: () => {
          void this.#emitStatus();
        },
        applied: (count) => {
          this.#onApplied();
          this.#events.emit('applied', count);
        },
        error: (error) => {
          recordFailure(this.#access, error).then(
            () => this.#emitStatus(),
            () => undefined,
          );
        },
      },
    );
  }

  /** Stops the worker of this process, within a second. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop();
  }

  /**
   * Keeps the store in step in this process until `signal` is aborted; yields what each exchange
   * did. While another process leads, it stands by.
   */
  async *watch(options: { signal: AbortSignal }): AsyncGenerator<SyncReport, void> {
    const onApplied = () => {
      this.#onApplied();
    };
    for await (const { exchanged, tookMs } of exchanges(this.#access, options.signal, onApplied)) {
      yield toReport(exchanged, tookMs);
    }
  }

  /** How sync stands, whichever process exchanges with the hub. */
  async status(): Promise<SyncStatus> {
    return this.#access.database.read((reader) => readStatus(reader, this.#access.now()));
  }

  /** A digest over everything that is synced, equal on devices that hold the same. */
  async verify(): Promise<Digest> {
    return digestStore(this.#access.database);
  }

  /** The devices of the group, asked of the hub. */
  async devices(): Promise<SyncDevice[]> {
    const connected = await connect(this.#access);
    try {
      const self = connected.exchange.database;
      const id = await self.read((reader) => reader.rows('select id from device')[0]?.[0]);
      const list = await readDevices(connected.exchange.hub);
      return list.map((device) => ({
        ...device,
        seenAt: formatTime(device.seenAt),
        revokedAt: formatTime(device.revokedAt),
        self: device.id === id,
      }));
    } finally {
      connected.close();
    }
  }

  /**
   * Takes a device out of the group: it is refused at its next exchange. It still has a token and
   * the key: also replace the hub's JWT key, and rotate the key of the group.
   *
   * @param id - of the device, or the beginning of it
   * @throws `NotFoundError`, `AmbiguousIdError`
   */
  async revoke(id: string): Promise<void> {
    validate(z.string().min(1).max(200), id, 'device id');
    const connected = await connect(this.#access);
    try {
      const { hub } = connected.exchange;
      const [device, ...others] = (await readDevices(hub)).filter((one) => one.id.startsWith(id));
      if (!device) throw new NotFoundError('device', id);
      if (others.length > 0) throw new AmbiguousIdError('device', id);
      await revokeDevice(hub, device.id);
    } finally {
      connected.close();
    }
  }

  /** What was received and cannot be applied, and what cannot be sent; at most `limit`. */
  async parked(options: { limit?: number } = {}): Promise<ParkedEntry[]> {
    const { limit } = validate(listSchema, options, 'parked');
    return this.#access.database.read((reader) => listParked(reader, limit));
  }

  /** Versions that lost against one whose writer did not know them, newest first. */
  async conflicts(
    options: { limit?: number; cursor?: string | null } = {},
  ): Promise<Page<Conflict>> {
    const query = validate(listSchema, options, 'conflicts');
    return this.#access.database.read((reader) => listConflicts(reader, query));
  }

  /** The key that the next device needs. */
  async exportKey(): Promise<ExportedKey> {
    return exportKey(this.#access);
  }

  /**
   * Makes a new key for the group; everything on the hub is sealed anew with the next exchanges.
   *
   * @throws `SyncKeyError` the hub is not encrypted
   */
  async rotateKey(options: { passphraseFile?: string } = {}): Promise<ExportedKey> {
    const schema = z.strictObject({ passphraseFile: pathSchema.optional() });
    const { passphraseFile } = validate(schema, options, 'rotateKey');
    const secret =
      passphraseFile === undefined ? undefined : readPassphraseFile(passphraseFile).secret;
    return rotateKey(this.#access, secret);
  }

  /** Calls `listener` with the status when it changed, or with how many entries were applied. */
  on(event: 'status', listener: (status: SyncStatus) => void): this;
  on(event: 'applied', listener: (count: number) => void): this;
  on(
    event: keyof SyncEvents,
    listener: ((status: SyncStatus) => void) | ((count: number) => void),
  ): this {
    this.#events.on(event, listener);
    return this;
  }

  off(event: keyof SyncEvents, listener: (value: never) => void): this {
    this.#events.off(event, listener as (...values: unknown[]) => void);
    return this;
  }

  /** What came can be found by search, too. */
  async #index(): Promise<void> {
    const { database, now } = this.#access;
    const step = () => database.write({ now }, (transaction) => indexSome(transaction, INDEX_STEP));
    while ((await step()) > 0) await setImmediate();
  }

  async #emitStatus(): Promise<void> {
    if (this.#events.listenerCount('status') === 0) return;
    try {
      this.#events.emit('status', await this.status());
    } catch (error) {
      // The store was closed meanwhile: there is nobody left to tell.
      if (!(error instanceof Error && error.name === 'ClosedError')) throw error;
    }
  }
}

function toReport(exchanged: Exchanged, tookMs: number): SyncReport {
  const { pushed, pulled, applied, parked, hubSeq, cursor } = exchanged;
  return { pushed, pulled, applied, parked, hubSeq, cursor, tookMs: Math.round(tookMs) };
}
