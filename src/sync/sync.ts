import PQueue from 'p-queue';
import { rmSync } from 'node:fs';
import * as z from 'zod';
import type { Page } from '../areas/page.ts';
import { pathSchema, validate } from '../model/validate.ts';
import { replicaPath, type Access } from './connect.ts';
import {
  dismissConflict,
  dismissConflicts,
  restoreConflict,
  type RestoredConflict,
} from './conflicts.ts';
import { disableSync, enableSync, type Enabled } from './enable.ts';
import { enableSchema, nameSchema, settingsOf, type EnableOptions } from './enable-options.ts';
import {
  listConflicts,
  listParked,
  listSchema,
  type Conflict,
  type ParkedEntry,
} from './listings.ts';
import { devicesOf, forgetDevice, renameDevice, revokeDevice } from './manage-devices.ts';
import { exportKey, rotateKey, type ExportedKey } from './rotate-key.ts';
import { readPassphrase, type Warned } from './secret-warnings.ts';
import { findState } from './state.ts';
import { eventSchema, listenerSchema, type SyncEvents } from './sync-events.ts';
import { readStatus, type SyncDevice, type SyncStatus } from './status.ts';
import { indexAll, syncNow, toReport, type SyncReport } from './sync-now.ts';
import { nowSchema, watchSchema, type NowOptions, type WatchOptions } from './run-options.ts';
import { digestStore, type Digest } from './verify.ts';
import { exchanges } from './worker/exchanges.ts';
import { OwnWorker } from './worker/own-worker.ts';

const numberSchema = z.int().min(1);

/** Keeps a store in step with the user's other machines. Every method rejects with a `StoreError`. */
export class Sync {
  readonly #access: Access;
  readonly #onApplied: () => void;
  readonly #worker: OwnWorker;
  /** One at a time: two would each make keys for one hub. */
  readonly #enabling = new PQueue({ concurrency: 1 });

  /** @param onApplied - called after entries of other devices were applied */
  constructor(access: Access, durability: 'full' | 'normal', onApplied: () => void) {
    this.#access = access;
    this.#onApplied = onApplied;
    this.#worker = new OwnWorker(access, durability, onApplied);
  }

  /**
   * Turns sync with a hub on. The hub, the token and the key are checked first; nothing is sent
   * before. From then on changes are noted, and what was written earlier is offered.
   *
   * Where it was on with this hub before, what is not given stays: token, key, name, way to read.
   *
   * @throws `HubForeignError`, `HubAccessError`, `SyncKeyError`, `HubUnreachableError`; `NotAHubError`
   *   something else answers there; `DeviceRevokedError` it needs a token that is newer than that
   */
  async enable(url: string, options: EnableOptions = {}): Promise<Enabled & Warned> {
    const address = validate(z.string().min(1).max(2000), url, 'url');
    const checked = validate(enableSchema, options, 'enable');
    return this.#enabling.add(async () => {
      const former = await this.#access.database.read(findState);
      const { settings, warnings } = settingsOf(address, checked, former);
      return { ...(await enableSync(this.#access, settings)), warnings };
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

  /**
   * Exchanges everything once.
   *
   * @param options.signal - stops it; what was exchanged by then stays, and the next call goes on
   * @throws `StoppedError` the signal was aborted before the end
   * @throws the errors of the hub
   */
  async now(options: NowOptions = {}): Promise<SyncReport> {
    return syncNow(this.#access, validate(nowSchema, options, 'now'), this.#onApplied);
  }

  /**
   * Starts the worker, in a thread of its own; it does not keep the process alive. While sync is off it
   * waits for it to be turned on, by whichever process, and asks nobody. A second start does nothing.
   *
   * @throws `ClosedError` the store is closed
   * @throws `ReadOnlyError` it was opened read-only
   * @throws `WorkerCrashedError` the thread could not open the store
   */
  async start(): Promise<void> {
    await this.#worker.start();
  }

  /** Stops the worker of this process, within a second. */
  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  /**
   * Keeps the store in step in this process until `signal` is aborted or the loop is left; yields what
   * each exchange did. While another process leads, it stands by.
   *
   * @param options.onNotice - told of what becomes of it: that it leads or stands by, that the hub is
   *   lost or the token refused, and that all is well again; each once, not at every try
   */
  async *watch(options: WatchOptions): AsyncGenerator<SyncReport, void> {
    const { signal, onNotice } = validate(watchSchema, options, 'watch');
    const onApplied = () => {
      this.#onApplied();
    };
    const settings = { signal, onNotice, onApplied };
    for await (const { exchanged, tookMs } of exchanges(this.#access, settings)) {
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

  /** The devices of the group, asked of the hub; without those that were forgotten. */
  async devices(): Promise<SyncDevice[]> {
    return devicesOf(this.#access);
  }

  /**
   * Takes a device out of the group: it is refused at its next exchange. It still has a token and
   * the key: also replace the hub's JWT key, and rotate the key of the group.
   *
   * @param id - of the device, or the beginning of it
   * @throws `InvalidInputError` it is this device
   * @throws `NotFoundError`, `AmbiguousIdError`
   */
  async revoke(id: string): Promise<void> {
    await revokeDevice(this.#access, id);
  }

  /**
   * Gives a device another name, for all of them.
   *
   * @param id - of the device, or the beginning of it
   * @throws `NotFoundError`, `AmbiguousIdError`
   */
  async renameDevice(id: string, name: string): Promise<void> {
    await renameDevice(this.#access, id, validate(nameSchema, name, 'name'));
  }

  /**
   * Takes a device that is gone off the list. Its records stay, and a revocation holds; should it come
   * again, it is listed again. To keep it out, revoke it.
   *
   * @param id - of the device, or the beginning of it
   * @throws `InvalidInputError` it is this device
   * @throws `NotFoundError`, `AmbiguousIdError`
   */
  async forgetDevice(id: string): Promise<void> {
    await forgetDevice(this.#access, id);
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

  /**
   * Takes a conflict off the list: what won stays.
   *
   * @param number - of the conflict, as {@link conflicts} gives it
   * @throws `NotFoundError`
   */
  async dismissConflict(number: number): Promise<void> {
    await dismissConflict(this.#access, validate(numberSchema, number, 'conflict'));
  }

  /** Takes all conflicts off the list. @returns how many there were */
  async dismissConflicts(): Promise<number> {
    return dismissConflicts(this.#access);
  }

  /**
   * Writes what lost back, as an edit that is made now, and takes the conflict off the list.
   *
   * @param number - of the conflict, as {@link conflicts} gives it
   * @throws `NotFoundError`
   * @throws `ConflictError` the record was purged, or is further on than the version that lost
   */
  async restoreConflict(number: number): Promise<RestoredConflict> {
    const checked = validate(numberSchema, number, 'conflict');
    const restored = await restoreConflict(this.#access, checked);
    await indexAll(this.#access);
    return restored;
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
  async rotateKey(options: { passphraseFile?: string } = {}): Promise<ExportedKey & Warned> {
    const schema = z.strictObject({ passphraseFile: pathSchema.optional() });
    const { passphraseFile } = validate(schema, options, 'rotateKey');
    const given = passphraseFile === undefined ? undefined : readPassphrase(passphraseFile);
    return { ...(await rotateKey(this.#access, given?.secret)), warnings: given?.warnings ?? [] };
  }

  /**
   * Calls `listener` with the status when it changed, or with how many entries were applied, by the
   * worker that {@link start} started.
   *
   * @throws `InvalidInputError` there is no such event, or the listener is no function
   */
  on(event: 'status', listener: (status: SyncStatus) => void): this;
  on(event: 'applied', listener: (count: number) => void): this;
  on(
    event: keyof SyncEvents,
    listener: ((status: SyncStatus) => void) | ((count: number) => void),
  ): this {
    validate(eventSchema, event, 'event');
    validate(listenerSchema, listener, 'listener');
    this.#worker.events.on(event, listener);
    return this;
  }

  /** Ends what {@link on} began. @throws `InvalidInputError` as there */
  off(event: keyof SyncEvents, listener: (value: never) => void): this {
    validate(eventSchema, event, 'event');
    validate(listenerSchema, listener, 'listener');
    this.#worker.events.off(event, listener as (...values: unknown[]) => void);
    return this;
  }
}
