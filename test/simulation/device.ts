import { copyFileSync, existsSync } from 'node:fs';
import { openDatabase } from '../../src/db/open.ts';
import type { Database } from '../../src/db/database.ts';
import { Store } from '../../src/store.ts';
import { knownDevices } from '../support/known-devices.ts';
import { Memory, type Exchange } from '../../src/sync/exchange.ts';
import type { Hub } from '../../src/sync/hub/hub.ts';
import { parseKeyRing } from '../../src/sync/keys/key-ring.ts';
import { machineId } from '../../src/sync/machine.ts';
import type { ReplicaReader } from '../../src/sync/replica-reader.ts';
import { Probe, type SeenRow } from './probe.ts';

/** The process ended here: nothing after this happened. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** Copies a store or a hub with its log. No transaction is open while the simulation is at this. */
export function copyStore(from: string, to: string): void {
  for (const end of ['', '-wal']) if (existsSync(from + end)) copyFileSync(from + end, to + end);
}

/** A store on a machine, with the process that has it open. */
export class Device {
  readonly index: number;
  readonly machine: string;
  readonly #now: () => number;
  path: string;
  /** Its clock against the time, in milliseconds. */
  skew = 0;
  schema = 1;
  partitioned = false;
  /** It was restored or copied since it last took a new device id. */
  cause = false;
  /** Counts the processes: what an earlier one began, nobody goes on with. */
  boot = 0;
  id = '';
  database!: Database;
  store!: Store;
  probe!: Probe;
  memory = new Memory();
  /** A copy of the hub that it reads first, where it is one of the same state. */
  replica: Hub | undefined;
  /** What was seen of it last: register to version, and rows by key. */
  versions = new Map<string, string>();
  rows = new Map<string, SeenRow>();
  counts = '';
  readonly snapshots: string[] = [];
  /** After how many statements its process ends; below 0: not. */
  crashAfter = -1;

  constructor(index: number, machine: string, path: string, now: () => number) {
    this.index = index;
    this.machine = machine;
    this.path = path;
    this.#now = now;
  }

  get now(): () => number {
    return () => this.#now() + this.skew;
  }

  async open(): Promise<void> {
    const settings = {
      durability: 'normal',
      readOnly: false,
      onStatement: (sql: string) => {
        this.#countDown(sql);
      },
    } as const;
    this.crashAfter = -1;
    this.database = await openDatabase(this.path, settings, this.now);
    // Work is handed over to them, which nobody does.
    await this.database.write({ now: this.now }, (transaction) => {
      transaction.run(knownDevices('elsewhere', 'here'));
    });
    this.store = new Store(this.database, { now: this.now });
    this.memory = new Memory();
  }

  /** Ends the process and forgets what it was about; the file stays as it is. */
  async end(): Promise<void> {
    this.boot++;
    this.crashAfter = -1;
    await this.store.close();
  }

  /** The process is gone from this statement on, whatever catches the error. */
  #countDown(sql: string): void {
    if (this.crashAfter < 0 || sql === 'rollback') return;
    if (this.crashAfter === 0) throw new Crash(`device ${this.index} ended at: ${sql}`);
    this.crashAfter--;
  }

  look(): void {
    this.probe = new Probe(this.path);
    this.id = this.probe.text('select id from device');
    this.versions = new Map();
    this.rows = new Map();
    this.counts = '';
  }

  get enabled(): boolean {
    return this.probe.text('select max(enabled) from sync_state') === '1';
  }

  get refused(): boolean {
    return this.probe.text('select max(refused) from sync_state') === '1';
  }

  get machineId(): string {
    return machineId({ CODEWHALE_STORE_MACHINE_ID: this.machine });
  }

  /** As `connect` makes it. */
  exchange(hub: Hub): Exchange {
    const [ring, lock] = this.probe.rows('select key_ring, key_check from sync_state')[0] ?? [];
    return {
      database: this.database,
      hub,
      replica: this.replica && this.#replicaReader(),
      ring: typeof ring === 'string' ? parseKeyRing(ring) : null,
      lock: typeof lock === 'string' ? lock : null,
      now: this.now,
      info: { name: `device ${this.index}`, platform: 'simulation' },
      machine: this.machineId,
      memory: this.memory,
    };
  }
  /** A copy that is no good is gone: the hub itself is read. */
  #replicaReader(): ReplicaReader {
    const drop = () => {
      this.replica = undefined;
    };
    const hub = () => Promise.resolve(this.replica);
    return { hub, discard: drop, giveUp: drop } as unknown as ReplicaReader;
  }
}
