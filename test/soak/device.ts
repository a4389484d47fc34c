import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { launchFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { Child, Gone, Refused, type Script } from './child-process.ts';
import type { Inspection } from './inspection.ts';
import type { World } from './world.ts';
import { fail } from './violation.ts';

/** What a reader that followed the events of a thread has seen since the store was put in place. */
export interface Followed {
  readonly thread: string;
  start: number;
  seen: [seq: number, type: string][];
}

const FOLLOWED = ['soak.base.r0', 'soak.base.r1'];

/** A machine of the user: a home folder, a program that writes, a worker, and a way to the hub. */
export class SoakDevice {
  readonly name: string;
  readonly index: number;
  readonly world: World;
  readonly home: string;
  readonly path: string;
  readonly tokenFile: string;
  readonly skewFile: string;
  readonly proxy: FaultProxy;
  /** Its program has a worker in a thread of its own, beside the worker process. */
  readonly thread: boolean;
  /** One thing at a time is done to its processes and files. */
  readonly jobs = new PQueue({ concurrency: 1 });
  readonly backups: string[] = [];
  followed: Followed[] = FOLLOWED.map((thread) => ({ thread, start: 0, seen: [] }));
  machine: string;
  writer: Child | undefined;
  worker: Child | undefined;
  second: Child | undefined;
  skewMs = 0;
  syncOn = false;
  paused = true;
  /** Its status is being asked for. */
  asking = false;

  private constructor(world: World, index: number, proxy: FaultProxy) {
    this.world = world;
    this.index = index;
    this.name = `d${index}`;
    this.machine = `soak machine ${index}`;
    this.home = join(world.folder, this.name);
    this.path = join(this.home, '.codewhale', 'store', 'store.db');
    this.tokenFile = join(this.home, 'hub.jwt');
    this.skewFile = join(this.home, 'skew');
    this.proxy = proxy;
    // A thread has the machine's own clock: the others have one that can be set.
    this.thread = index < 2;
  }

  static async make(world: World, index: number): Promise<SoakDevice> {
    const proxy = await launchFaultProxy(world.hub.url, {
      only: ({ method }) => method === 'POST',
    });
    const device = new SoakDevice(world, index, proxy);
    mkdirSync(device.home, { recursive: true, mode: 0o700 });
    device.setClock(0);
    await device.newToken();
    await device.startWriter();
    return device;
  }

  get children(): Child[] {
    return [this.writer, this.worker, this.second].filter((child) => child !== undefined);
  }

  // ---- its processes

  async startWriter(): Promise<void> {
    const life = this.world.nextLife();
    const writer = `${this.name}.${life}`;
    const seed = this.world.random.below(2 ** 31);
    const child = this.spawn('writer', { life, seed, thread: this.thread }, (line) => {
      this.world.told(this, writer, line);
    });
    this.writer = child;
    await child.ready;
    if (!this.paused && child.alive) await this.ask('resume');
  }

  async startWorker(): Promise<void> {
    const follow = this.followed.map(({ thread, start, seen }) => [
      thread,
      seen.at(-1)?.[0] ?? start,
    ]);
    const { followed } = this;
    const child = this.spawn('worker', { follow }, (line) => {
      const { t, thread, seq, type } = line as {
        t: string;
        thread: string;
        seq: number;
        type: string;
      };
      if (t !== 'event') return;
      const list = followed.find((one) => one.thread === thread);
      const last = list?.seen.at(-1)?.[0] ?? list?.start ?? 0;
      if (seq <= last) fail(`C3 ${this.name}: who follows ${thread} saw ${seq} after ${last}`);
      list?.seen.push([seq, type]);
    });
    this.worker = child;
    await child.ready;
  }

  async startSecond(): Promise<void> {
    this.second = this.spawn('worker', { follow: [] });
    await this.second.ready;
  }

  async killAll(): Promise<void> {
    await Promise.all(this.children.map((child) => child.kill()));
    this.writer = undefined;
    this.worker = undefined;
    this.second = undefined;
  }

  spawn(
    script: Script,
    config: Record<string, unknown>,
    onLine?: (line: Readonly<Record<string, unknown>>) => void,
  ): Child {
    const { world, path, skewFile } = this;
    const { library, canary } = world;
    const guarded = (line: Readonly<Record<string, unknown>>) => {
      try {
        onLine?.(line);
      } catch (error) {
        world.violation(error);
      }
    };
    return new Child(world.scripts, script, {
      name: this.name,
      config: { library, canary, path, skewFile, ...config },
      env: {
        ...process.env,
        HOME: this.home,
        CODEWHALE_HOME: join(this.home, '.codewhale'),
        CODEWHALE_STORE_MACHINE_ID: this.machine,
      },
      log: join(world.folder, `${this.name}.log`),
      onLine: guarded,
      onOutput: (text) => {
        world.secrets.look(text, `${this.name} ${script}`);
      },
      onCrash: (text) => {
        world.violation(new Error(text));
      },
    });
  }

  /** A job in a process of its own. @throws `Refused` */
  async once<T>(job: string, config: Record<string, unknown> = {}): Promise<T> {
    let told: { value?: unknown; error?: Refused['failure'] } | undefined;
    const child = this.spawn('once', { job, ...config }, (line) => {
      if (line['t'] === 'done') told = line;
    });
    await child.ended;
    if (told?.error) throw new Refused(told.error);
    if (!told) throw new Error(`${this.name}: the job ${job} told nothing`);
    return told.value as T;
  }

  inspect(): Promise<Inspection> {
    return this.once<Inspection>('inspect');
  }

  /** Asks its program. @throws `Refused`; `Gone` it was killed meanwhile */
  async ask<T>(order: string, ...args: unknown[]): Promise<T> {
    if (!this.writer) throw new Gone(this.name);
    return this.writer.ask<T>(order, ...args);
  }

  // ---- what its owner sets

  setClock(ms: number): void {
    this.skewMs = ms;
    this.#put(this.skewFile, String(ms));
  }

  /** @param expiresInS - sqld lets 60 seconds more pass */
  async newToken(expiresInS = 24 * 3600): Promise<void> {
    const token = await this.world.hub.key.token({ expiresInS });
    this.world.secrets.add(token);
    this.#put(this.tokenFile, token);
  }

  /** @param keyFile - without one a key is made */
  async enable(keyFile?: string): Promise<void> {
    const { tokenFile, name, index } = this;
    const key = keyFile === undefined ? {} : { keyFile };
    const pull = index === 1 ? 'replica' : index === 2 ? 'auto' : 'http';
    await this.ask('enable', this.proxy.url, { tokenFile, name, pull, ...key });
    this.syncOn = true;
  }

  async stopProxy(): Promise<void> {
    await this.proxy.stop();
  }

  #put(file: string, text: string): void {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Takes the whole store away: log, replica and all. */
  removeStore(): void {
    rmSync(join(this.home, '.codewhale', 'store'), { recursive: true, force: true });
  }

  /** The readers begin anew where the store that stands there now ends. */
  followFrom(inspection: Inspection): void {
    const last = new Map(inspection.threads);
    this.followed = FOLLOWED.map((thread) => ({ thread, start: last.get(thread) ?? 0, seen: [] }));
  }
}
