import {
  HubBusyError,
  HubTooLargeError,
  HubUnreachableError,
  StoreError,
} from '../../src/errors.ts';
import { disableSync, enableWith } from '../../src/sync/enable.ts';
import { Memory } from '../../src/sync/exchange.ts';
import { pullOnce } from '../../src/sync/pull-once.ts';
import { pushOnce } from '../../src/sync/push-once.ts';
import { syncOnce, type Beginning } from '../../src/sync/sync-once.ts';
import { control } from './control.ts';
import { copyStore, Crash, Device } from './device.ts';
import { destroying } from './excuse.ts';
import { HubFile, type Files } from './hub-files.ts';
import { Ledger } from './ledger.ts';
import { purgeOne, WRITES, WRITE_WEIGHTS, type Hands, type WriteName } from './local-writes.ts';
import { observe } from './observe.ts';
import type { Random } from './random.ts';
import { Task, Waits, type Request, type Wait } from './task.ts';
import { ulid } from './replaced/ulid.ts';
import { fail } from './violation.ts';

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
const YEAR = 365 * DAY;
const JUMPS = [0, 0, 3 * MINUTE, -3 * MINUTE, 9 * MINUTE, DAY, -DAY, YEAR, 2 * YEAR, -YEAR];
const HUB_JUMPS = [0, 0, 30 * MINUTE, -30 * MINUTE, 5 * MINUTE, DAY, 3 * DAY, -DAY];
const DEVICES_MAX = 5;
/** A step that waits more often than this goes round in circles, and so many times for all that was written. */
const WAITS_MAX = 4000;
const WAITS_PER_WRITE = 20;

/** Which the library may answer with while the network and the hub fail. */
const PASSING = new Set([
  'HUB_UNREACHABLE',
  'HUB_BUSY',
  'HUB_TOO_LARGE',
  'HUB_FOREIGN',
  'SYNC_OFF',
]);
/** What a call of a user may be refused with. */
const REFUSED = new Set(['NOT_FOUND', 'CONFLICT', 'INVALID_INPUT', 'AMBIGUOUS_ID']);

/** What can happen to a request; `fine` comes of itself. */
export const FATES = [
  'lostRequest',
  'lostReply',
  'zombie',
  'twice',
  'lateRequest',
  'lateReply',
  'crash',
  'busy',
  'tooLarge',
] as const;
export type Fate = (typeof FATES)[number];

/** Something on its way, delivered later or never. */
type Pending =
  | { readonly kind: 'zombie'; readonly request: Request }
  | { readonly kind: 'request'; readonly request: Request; readonly task: Task }
  | { readonly kind: 'pause'; readonly go: () => void; readonly task: Task }
  | {
      readonly kind: 'reply';
      readonly answer: (asker: Request) => void;
      readonly request: Request;
      readonly task: Task;
    };

export interface Settings {
  readonly random: Random;
  readonly files: Files;
  readonly template: string;
  readonly encrypted: boolean;
  readonly fates: readonly Fate[];
  /** What may go wrong besides. */
  readonly faults: readonly string[];
  readonly trace: ((text: string) => void) | undefined;
}

/** Devices, one hub, the network between them, and everything that goes wrong. */
export class World {
  readonly random: Random;
  readonly ledger = new Ledger();
  readonly devices: Device[] = [];
  readonly settings: Settings;
  readonly texts = new Map<string, string[]>();
  readonly copiedRoots = new Set<string>();
  readonly happened = new Map<string, number>();
  time = Date.UTC(2026, 0, 1);
  hubSkew = 0;
  /** The latest that the hub's clock ever was. */
  hubLatest = 0;
  hub: HubFile;
  /** Nothing goes wrong any more. */
  calm = false;
  anyRestore = false;
  anyCopy = false;
  anyDamage = false;
  /** Rows that never change and that the hub did not hold for a while: they come after later ones. */
  readonly damagedRows = new Set<string>();
  readonly #hubSnapshots: HubFile[] = [];
  #network: Pending[] = [];
  readonly #waits = new Waits();
  #textCount = 0;
  readonly #key: Buffer;
  /** Exchanges of {@link send} that went through. */
  #ended = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.random = settings.random;
    this.#key = Buffer.from(Array.from({ length: 32 }, () => this.random.below(256)));
    this.hub = this.newHub();
    control.elapsed = () => this.time;
  }

  newHub(): HubFile {
    return new HubFile(this.settings.files.next('hub'), () => this.hubNow());
  }

  hubNow(): number {
    const now = this.time + this.hubSkew;
    this.hubLatest = Math.max(this.hubLatest, now);
    return now;
  }

  log(text: string): void {
    this.settings.trace?.(text);
  }

  count(name: string, times = 1): void {
    this.happened.set(name, (this.happened.get(name) ?? 0) + times);
  }

  async addDevice(): Promise<Device> {
    const index = this.devices.length;
    const path = this.settings.files.next(`d${index}`);
    copyStore(this.settings.template, path);
    const device = new Device(index, `m${index}`, path, () => this.time);
    device.look();
    const key = Buffer.from(Array.from({ length: 32 }, () => this.random.below(256))).toString(
      'hex',
    );
    device.probe.exec(
      `update device set id = '${ulid(this.time)}', content_key = '${key}', clock_ms = 0, clock_counter = 0`,
    );
    device.look();
    await device.open();
    this.devices.push(device);
    this.observe(device);
    return device;
  }

  observe(device: Device): void {
    observe(device, this.ledger, (text) => {
      this.log(text);
    });
  }

  // ---- what a user does

  get #hands(): Hands {
    return {
      random: this.random,
      now: () => this.time,
      text: (root) => {
        const text = `text${++this.#textCount}.`;
        const texts = this.texts.get(root) ?? [];
        texts.push(text);
        this.texts.set(root, texts);
        return text;
      },
      copied: (root) => {
        this.copiedRoots.add(root);
      },
    };
  }

  async write(device: Device, name?: WriteName): Promise<void> {
    const which = name ?? this.random.weighted<WriteName>(WRITE_WEIGHTS);
    this.log(`  d${device.index} ${which}`);
    await this.#local(device, () => WRITES[which].write(device, this.#hands));
  }

  async purge(device: Device): Promise<void> {
    await this.#local(device, () => purgeOne(device, this.#hands));
  }

  /** A write that did not return because its process ended is allowed to be there or not. */
  async #local(device: Device, call: () => Promise<unknown>): Promise<void> {
    if (this.settings.fates.includes('crash') && this.random.chance(0.02)) {
      device.crashAfter = this.random.below(20);
    }
    // A large body is stored in steps; this write lets nobody come in between.
    control.pause = () => Promise.resolve();
    try {
      await call();
    } catch (error) {
      if (error instanceof Crash) await this.crash(device, error.message);
      else if (!(error instanceof StoreError && REFUSED.has(error.code))) throw error;
      else this.log(`    refused: ${error.message}`);
    }
    device.crashAfter = -1;
    this.observe(device);
  }

  // ---- sync, step by step

  pull(device: Device, faulty: boolean): Promise<void> {
    return this.#begin(device, 'pull', faulty, (task) => pullOnce(device.exchange(task.hub)));
  }

  push(device: Device, faulty: boolean): Promise<void> {
    return this.#begin(device, 'push', faulty, (task) => pushOnce(device.exchange(task.hub)));
  }

  sync(device: Device, faulty: boolean): Promise<void> {
    return this.#begin(device, 'sync', faulty, (task) => this.#syncOnce(device, task, 'pull'));
  }

  /** An exchange that begins with its push: what others wrote is read all the same. */
  async send(device: Device, faulty: boolean): Promise<void> {
    const before = this.#ended;
    await this.#begin(device, 'send', faulty, async (task) => {
      await this.#syncOnce(device, task, 'push');
      this.#ended++;
    });
    if (faulty || this.#ended === before) return;
    this.count('sent');
    const cursor = device.probe.text('select cursor from sync_state');
    const head = this.hub.look((probe) => probe.text('select head from hub_meta'));
    if (cursor !== head) fail(`C3 d${device.index} left entries of others unread`);
  }

  async #syncOnce(device: Device, { hub }: Task, beginning: Beginning): Promise<void> {
    const { removed } = await syncOnce(device.exchange(hub), undefined, undefined, beginning);
    if (removed > 0) this.count('takenOff', removed);
  }

  enable(device: Device, faulty: boolean, join = false): Promise<void> {
    process.env['CODEWHALE_STORE_MACHINE_ID'] = device.machine;
    const settings = {
      url: 'http://hub',
      tokenFile: null,
      key: this.settings.encrypted ? { key: this.#key } : ('none' as const),
      name: `device ${device.index}`,
      pull: 'http' as const,
      join,
    };
    return this.#begin(device, join ? 'join' : 'enable', faulty, (task) => {
      const { database, now } = device;
      return enableWith({ database, now }, settings, task.hub);
    });
  }

  async disable(device: Device): Promise<void> {
    await disableSync({ database: device.database, now: device.now });
    this.observe(device);
  }

  async #begin(
    device: Device,
    name: string,
    faulty: boolean,
    job: (task: Task) => Promise<unknown>,
  ): Promise<void> {
    const task = new Task(this.#waits, device, name, faulty);
    this.log(`  d${device.index} ${name}`);
    if (faulty && this.settings.fates.includes('crash') && this.random.chance(0.05)) {
      device.crashAfter = this.random.below(150);
    }
    task.start(() => job(task));
    await this.#goOn();
    device.crashAfter = -1;
  }

  /** Lets the tasks run until all have ended, or wait for something that comes later or never. */
  async #goOn(): Promise<void> {
    for (;;) {
      const next = await this.#waits.next();
      if (!next) return;
      const { task, wait } = next;
      if (!task.alive) continue;
      this.observe(task.device);
      const { writes, rows } = this.ledger;
      if (++task.events > WAITS_MAX + WAITS_PER_WRITE * (writes.length + rows.size)) {
        fail(`C5 d${task.device.index} ${task.name} goes round in circles`);
      }
      await this.#meet(task, wait);
    }
  }

  async #meet(task: Task, wait: Wait): Promise<void> {
    if (wait.kind === 'done') await this.#end(task, wait.error);
    else if (wait.kind === 'pause') await this.#meetPause(task, wait.go);
    else await this.#meetRequest(task, wait.request);
  }

  async #end(task: Task, error: unknown): Promise<void> {
    if (error === undefined) return;
    if (error instanceof Crash) {
      await this.crash(task.device, error.message);
      return;
    }
    if (!(error instanceof StoreError)) throw error as Error;
    // A hub that is wiped or founded in the middle of a step refuses it; the step after knows.
    const founding = error.code === 'HUB_REFUSED' && /no such table/.test(error.message);
    const isEarlier = task.faulty || !this.calm;
    if (!(founding && isEarlier) && !PASSING.has(error.code)) throw error;
    this.log(`    ends with ${error.code}`);
  }

  async #meetPause(task: Task, go: () => void): Promise<void> {
    const faulty = task.faulty && !this.calm;
    if (faulty && this.random.chance(0.2)) await this.write(task.device);
    if (faulty && this.settings.fates.includes('lateReply') && this.random.chance(0.05)) {
      this.#network.push({ kind: 'pause', go, task });
    } else if (task.alive) task.run(go);
  }

  async #meetRequest(task: Task, request: Request): Promise<void> {
    // Who writes does not wait for the network: neither before the hub has it nor after.
    const faulty = task.faulty && !this.calm;
    if (faulty && this.random.chance(0.15)) await this.write(task.device);
    if (!task.alive) return;
    const fate = this.#fateOf(task, request);
    if (fate !== 'fine') {
      this.count(fate);
      this.log(`    ${request.mode} request: ${fate}`);
    }
    const refuse = (error: Error) => {
      task.run(() => {
        request.refuse(error);
      });
    };
    switch (fate) {
      case 'lostRequest':
        refuse(this.#unreachable());
        return;
      case 'busy':
        refuse(new HubBusyError('busy', 10));
        return;
      case 'tooLarge':
        refuse(new HubTooLargeError('too large'));
        return;
      case 'zombie':
        this.#network.push({ kind: 'zombie', request });
        refuse(this.#unreachable());
        return;
      case 'lateRequest':
        this.#network.push({ kind: 'request', request, task });
        return;
      case 'crash':
        if (this.random.chance(0.5)) await this.#execute(request);
        await this.crash(task.device, 'at a request');
        return;
      case 'lostReply':
        await this.#execute(request);
        refuse(this.#unreachable());
        return;
      case 'twice':
        if (this.random.chance(0.5)) this.#network.push({ kind: 'zombie', request });
        else await this.#execute(request);
        break;
      case 'lateReply':
        this.#network.push({ kind: 'reply', answer: await this.#execute(request), request, task });
        return;
      case 'fine':
        break;
    }
    const answer = await this.#execute(request);
    if (faulty && this.random.chance(0.15)) await this.write(task.device);
    this.#resume(task, () => {
      answer(request);
    });
  }

  #resume(task: Task, step: () => void): void {
    if (task.alive) task.run(step);
  }

  /** From the network, or a status of the hub. */
  #unreachable(): HubUnreachableError {
    if (this.random.chance(0.3)) return new HubUnreachableError('status 500');
    return new HubUnreachableError('no answer', { cause: new Error('network') });
  }

  #fateOf(task: Task, request: Request): Fate | 'fine' {
    if (this.calm) return 'fine';
    if (task.device.partitioned) return 'lostRequest';
    const { fates } = this.settings;
    if (fates.includes('tooLarge') && rowsOf(request) > 1 && this.random.chance(0.02)) {
      return 'tooLarge';
    }
    if (!task.faulty || fates.length === 0 || !this.random.chance(0.35)) return 'fine';
    const fate = this.random.pick(fates);
    return fate === 'tooLarge' ? 'fine' : fate;
  }

  /** What the hub answers, to be handed to the asker now or later. */
  async #execute(request: Request): Promise<(asker: Request) => void> {
    try {
      const rows = await this.hub.run(request);
      return (asker) => {
        asker.answer(rows);
      };
    } catch (error) {
      return (asker) => {
        asker.refuse(error as Error);
      };
    }
  }

  /** Something that was on its way arrives. */
  async deliver(): Promise<void> {
    if (this.#network.length === 0) return;
    const [one] = this.#network.splice(this.random.below(this.#network.length), 1) as [Pending];
    this.log(`  arrives: ${one.kind}`);
    if (one.kind === 'pause') {
      if (one.task.alive) one.task.run(one.go);
    } else if (one.kind === 'reply') {
      if (one.task.alive)
        one.task.run(() => {
          one.answer(one.request);
        });
    } else {
      const answer = await this.#execute(one.request);
      if (one.kind === 'request' && one.task.alive)
        one.task.run(() => {
          answer(one.request);
        });
    }
    await this.#goOn();
  }

  /** What is on its way comes to nothing: whoever waits for an answer gives up. */
  async giveUp(): Promise<void> {
    for (let one = this.#network.shift(); one; one = this.#network.shift()) {
      const waiting = one;
      if (waiting.kind === 'zombie' || !waiting.task.alive) continue;
      waiting.task.run(() => {
        if (waiting.kind === 'pause') waiting.go();
        else waiting.request.refuse(this.#unreachable());
      });
      await this.#goOn();
    }
  }

  // ---- what goes wrong

  async crash(device: Device, why: string): Promise<void> {
    this.log(`  d${device.index} crashes: ${why}`);
    this.count('crashed');
    await device.end();
    await device.open();
    this.observe(device);
  }

  snapshotDevice(device: Device): void {
    const path = this.settings.files.next(`d${device.index}-snapshot`);
    copyStore(device.path, path);
    device.snapshots.push(path);
  }

  async restoreDevice(device: Device): Promise<void> {
    if (device.snapshots.length === 0) return;
    this.count('deviceRestored');
    await destroying(
      this.ledger,
      this.devices,
      () => this.hub,
      async () => {
        await device.end();
        device.probe.close();
        device.path = this.settings.files.next(`d${device.index}`);
        copyStore(this.random.pick(device.snapshots), device.path);
        device.look();
        await device.open();
        this.observe(device);
      },
    );
    device.cause = true;
    this.anyRestore = true;
    this.anyCopy = true;
  }

  async clone(device: Device): Promise<void> {
    if (this.devices.length >= DEVICES_MAX) return;
    this.count('cloned');
    const index = this.devices.length;
    const machine = this.random.chance(0.5) ? device.machine : `m${index}`;
    const path = this.settings.files.next(`d${index}`);
    copyStore(device.path, path);
    const copy = new Device(index, machine, path, () => this.time);
    copy.skew = device.skew;
    copy.schema = device.schema;
    copy.cause = true;
    device.cause = true;
    this.anyCopy = true;
    copy.look();
    await copy.open();
    this.devices.push(copy);
    this.observe(copy);
  }

  snapshotHub(): void {
    this.#hubSnapshots.push(this.hub.copy(this.settings.files.next('hub-snapshot')));
  }

  async restoreHub(): Promise<void> {
    if (this.#hubSnapshots.length === 0) return;
    const snapshot = this.random.pick(this.#hubSnapshots);
    await this.#replaceHub(snapshot.copy(this.settings.files.next('hub')), 'hubRestored');
  }

  async wipeHub(): Promise<void> {
    await this.#replaceHub(this.newHub(), 'hubWiped');
  }

  async #replaceHub(hub: HubFile, name: string): Promise<void> {
    this.count(name);
    await destroying(
      this.ledger,
      this.devices,
      () => this.hub,
      () => {
        this.hub = hub;
      },
    );
  }

  raiseEpoch(): void {
    this.hub.look((probe) => {
      probe.exec(
        `update hub_meta set epoch = epoch + 1, epoch_token = 'raised ${this.#textCount}'`,
      );
    });
  }

  takeReplica(device: Device): void {
    device.replica = this.hub.copy(this.settings.files.next('replica')).hub;
  }

  /** The address leads to somebody else's hub for a moment. */
  async foreign(device: Device): Promise<void> {
    if (!device.enabled || device.probe.text('select store_id from sync_state') === '') return;
    const mine = this.hub;
    const { replica } = device;
    // What was read of our own hub before may still be applied; here nothing is.
    device.replica = undefined;
    device.memory = new Memory();
    this.hub = this.newHub();
    try {
      const other = new Device(9, 'foreign', this.settings.files.next('foreign'), () => this.time);
      copyStore(this.settings.template, other.path);
      other.look();
      await other.open();
      await this.enable(other, false);
      const before = JSON.stringify([...device.versions].sort());
      await this.sync(device, false);
      const rows = this.hub.look((probe) => probe.text('select count(*) from hub_entries'));
      if (rows !== '0' || JSON.stringify([...device.versions].sort()) !== before) {
        fail(`C6 d${device.index} exchanged rows with the hub of another store`);
      }
      await other.end();
      other.probe.close();
    } finally {
      this.hub = mine;
      device.replica = replica;
    }
  }

  jumpClock(device: Device): void {
    device.skew = this.random.pick(JUMPS);
  }

  jumpHubClock(): void {
    this.hubSkew = this.random.pick(HUB_JUMPS);
  }
}

/** How many entries a request carries. */
function rowsOf(request: Request): number {
  const upsert = request.statements.find(({ sql }) => sql.startsWith('insert into hub_entries'));
  const list = upsert?.params[1];
  return typeof list === 'string' ? (JSON.parse(list) as unknown[]).length : 0;
}
