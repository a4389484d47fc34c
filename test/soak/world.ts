import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import type { Random } from '../simulation/random.ts';
import type { SyncStatus } from '../../src/index.ts';
import { Gone, Refused, type Failure } from './child-process.ts';
import { SoakDevice } from './device.ts';
import { SoakHub } from './hub.ts';
import { Latencies } from './latencies.ts';
import { Ledger } from './ledger.ts';
import { Secrets } from './secrets.ts';

const DEVICES = 5;
/** A write may be refused so: the record is not there any more, or others hold the file for long. */
const REFUSED = new Set(['NOT_FOUND', 'CONFLICT', 'BUSY']);
/** What the worker may say while everything around it fails. */
const EXPLAINED = new Set([
  ...['HUB_UNREACHABLE', 'HUB_BUSY', 'HUB_REFUSED', 'HUB_ACCESS', 'HUB_TOO_LARGE'],
  ...['SYNC_KEY', 'BUSY'],
]);

export interface WorldOptions {
  readonly random: Random;
  readonly folder: string;
  /** The scripts of the child processes. */
  readonly scripts: string;
  /** URL of the built library. */
  readonly library: string;
  readonly legacyHome: string;
}

/** Five devices, one hub, and the book of what was promised to whom. */
export class World {
  readonly random: Random;
  readonly folder: string;
  readonly scripts: string;
  readonly library: string;
  readonly hub: SoakHub;
  readonly ledger = new Ledger();
  readonly secrets = new Secrets();
  readonly latencies = new Latencies();
  readonly devices: SoakDevice[] = [];
  /** Stands in every content, and may stand in no output. */
  readonly canary: string;
  /** What was done, by kind, and what happened of it. */
  readonly happened = new Map<string, number>();
  readonly violations: string[] = [];
  /** What destroys or copies whole stores happens one at a time. */
  readonly alone = new PQueue({ concurrency: 1 });
  /** The keys that the group ever had, the newest last. */
  readonly keyFiles: string[] = [];
  /** A home of the old program, to be imported. */
  readonly legacyHome: string;
  readonly #phrases = new Set<string>();
  readonly #start = performance.now();
  #lives = 0;
  #keys = 0;

  private constructor(options: WorldOptions, hub: SoakHub) {
    this.random = options.random;
    this.folder = options.folder;
    this.scripts = options.scripts;
    this.library = options.library;
    this.legacyHome = options.legacyHome;
    this.hub = hub;
    this.canary = `canary${this.random.below(2 ** 31).toString(36)}${this.random.below(2 ** 31).toString(36)}`;
    this.secrets.add(this.canary);
  }

  static async make(options: WorldOptions): Promise<World> {
    const dir = join(options.folder, 'hub');
    mkdirSync(dir, { mode: 0o700 });
    const world = new World(options, await SoakHub.start(dir));
    for (let i = 0; i < DEVICES; i++) world.devices.push(await SoakDevice.make(world, i));
    const [first, ...others] = world.devices as [SoakDevice, ...SoakDevice[]];
    await first.ask('base');
    await first.enable();
    const file = world.nextKeyFile();
    await first.ask('exportKey', file);
    world.takeKeyFile(file);
    await first.ask('now');
    for (const device of others) {
      await device.enable(file);
      await device.ask('now');
    }
    for (const device of world.devices) await device.startWorker();
    return world;
  }

  nextLife(): number {
    return this.#lives++;
  }

  count(kind: string, by = 1): void {
    this.happened.set(kind, (this.happened.get(kind) ?? 0) + by);
  }

  /** On standard error, with the seconds since the start. */
  log(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1).padStart(7);
    process.stderr.write(`${seconds} s  ${text}\n`);
  }

  violation(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (this.violations.length < 50) this.violations.push(text);
    this.log(`VIOLATION ${text}`);
  }

  /** A file for the key that a device tells, or for the next one. */
  nextKeyFile(): string {
    return join(this.folder, `hub-${this.#keys++}.key`);
  }

  /** A key that a device told: a new one, or one that is known. */
  takeKeyFile(file: string): void {
    if (!existsSync(file)) return;
    const phrase = readFileSync(file, 'utf8');
    if (this.#phrases.has(phrase)) return;
    this.#phrases.add(phrase);
    this.secrets.add(phrase);
    this.keyFiles.push(file);
  }

  /** A line of a writer. */
  told(device: SoakDevice, writer: string, line: Readonly<Record<string, unknown>>): void {
    const { ledger } = this;
    switch (line['t']) {
      case 'try':
        ledger.try(writer, line as unknown as Parameters<Ledger['try']>[1]);
        return;
      case 'ack':
        ledger.ack(line as unknown as Parameters<Ledger['ack']>[0]);
        this.latencies.add(Number(line['ms']));
        return;
      case 'saw':
        ledger.saw(line as unknown as Parameters<Ledger['saw']>[0]);
        return;
      case 'no':
        ledger.refuse(line as unknown as Parameters<Ledger['refuse']>[0]);
        this.#refused(device, line as unknown as Failure & { name: string });
        return;
    }
  }

  #refused(device: SoakDevice, failure: Failure & { name: string }): void {
    if (failure.typed && REFUSED.has(failure.code)) {
      this.count(`refused ${failure.code}`);
      return;
    }
    const { name, code, message, stack = '' } = failure;
    this.violation(new Error(`${device.name} ${name} was refused: ${code} ${message} ${stack}`));
  }

  /** What may fail while everything around fails: typed, and of the kinds that are named. */
  async tolerate(
    job: () => Promise<unknown>,
    what: string,
    codes: readonly string[],
  ): Promise<boolean> {
    try {
      await job();
      return true;
    } catch (error) {
      if (error instanceof Gone) return false;
      if (error instanceof Refused && error.failure.typed && codes.includes(error.failure.code)) {
        this.count(`${what} failed with ${error.failure.code}`);
        return false;
      }
      this.violation(
        new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`),
      );
      return false;
    }
  }

  /** Some store was put in the place of another one: that one, or this, may say that it is a copy. */
  anyCopy = false;

  /** Errors of the worker that no fault explains. */
  watchStatus(): void {
    for (const device of this.devices) {
      if (device.asking || device.writer?.stopped !== false) continue;
      device.asking = true;
      device
        .ask<SyncStatus>('status')
        .then(({ lastError }) => {
          if (lastError === null) return;
          this.count(`status ${lastError.code}`);
          if (EXPLAINED.has(lastError.code)) return;
          if (lastError.code === 'DEVICE_COPIED' && this.anyCopy) return;
          this.violation(new Error(`${device.name} says ${JSON.stringify(lastError)}`));
        })
        .catch((error: unknown) => {
          if (!(error instanceof Gone)) this.violation(error);
        })
        .finally(() => {
          device.asking = false;
        });
    }
  }

  async discard(): Promise<void> {
    for (const device of this.devices) {
      await device.killAll();
      await device.stopProxy();
    }
    await this.hub.discard();
  }
}
