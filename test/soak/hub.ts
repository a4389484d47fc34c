import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import type { HubRow } from '../../src/sync/hub/hub.ts';
import { makeHubKey, type HubKey } from '../support/hub-token.ts';
import { launchSqld, type Sqld } from '../support/sqld.ts';

/** The real hub, and what can be done to its process and its folder. */
export class SoakHub {
  readonly key: HubKey;
  readonly #sqld: Sqld;
  readonly #folder: string;
  /** One thing at a time is done to it. */
  readonly #jobs = new PQueue({ concurrency: 1 });
  #copies = 0;

  private constructor(key: HubKey, sqld: Sqld, folder: string) {
    this.key = key;
    this.#sqld = sqld;
    this.#folder = folder;
  }

  static async start(folder: string): Promise<SoakHub> {
    const key = await makeHubKey();
    const sqld = await launchSqld({ jwtKey: key.publicKey, dir: folder });
    return new SoakHub(key, sqld, folder);
  }

  get url(): string {
    return this.#sqld.url;
  }

  get pid(): number {
    return this.#sqld.pid;
  }

  get hasCopy(): boolean {
    return this.#copies > 0;
  }

  /** Nobody else does something to it meanwhile. */
  async alone<T>(job: () => Promise<T>): Promise<T> {
    return await this.#jobs.add(job);
  }

  async kill(downMs: number): Promise<void> {
    await this.#sqld.kill();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await this.#sqld.restart();
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  goOn(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Keeps its folder as it is now, in the place of the former copy. */
  async copy(): Promise<void> {
    await this.#sqld.stop();
    rmSync(this.#kept, { recursive: true, force: true });
    cpSync(this.#data, this.#kept, { recursive: true });
    this.#copies++;
    await this.#sqld.restart();
  }

  /** Puts the copy in the place of the folder; without one the hub is empty. */
  async replace(by: 'copy' | 'nothing'): Promise<void> {
    await this.#sqld.kill();
    rmSync(this.#data, { recursive: true });
    if (by === 'copy' && existsSync(this.#kept))
      cpSync(this.#kept, this.#data, { recursive: true });
    await this.#sqld.restart();
  }

  /** Asks it past the devices and their proxies. */
  async ask(sql: string, ...params: string[]): Promise<HubRow[]> {
    const hub = new HttpHub({ url: this.url, token: () => this.key.token() });
    try {
      return (await hub.run([{ sql, params }], 'read'))[0] ?? [];
    } finally {
      hub.close();
    }
  }

  discard(): Promise<void> {
    return this.#sqld.discard();
  }

  get #data(): string {
    return join(this.#folder, 'db');
  }

  get #kept(): string {
    return join(this.#folder, 'kept');
  }
}
