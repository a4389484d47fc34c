import { join } from 'node:path';
import { makeFolder } from '../db/make-folder.ts';

/** Where everything of one hub lies. All of it is for its owner only. */
export class HubFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Makes the folder where it is missing; one that is there keeps its mode, its files are 0600. */
  make(): this {
    makeFolder(this.dir, 0o700);
    makeFolder(join(this.dir, 'tokens'), 0o700);
    return this;
  }

  /** Signs the tokens: whoever has it can make any. */
  get privateKey(): string {
    return join(this.dir, 'jwt-private.pem');
  }

  /** What sqld checks the tokens with. */
  get publicKey(): string {
    return join(this.dir, 'jwt-public.key');
  }

  get adminKey(): string {
    return join(this.dir, 'admin.key');
  }

  /** What docker compose reads beside `docker-compose.yml`. */
  get env(): string {
    return join(this.dir, '.env');
  }

  /** The database of the hub that `hub start` runs. */
  get data(): string {
    return join(this.dir, 'data');
  }

  /** Held while a hub runs from here. */
  get lock(): string {
    return join(this.dir, 'hub.lock');
  }

  /** The process id of the sqld that was started last. */
  get pid(): string {
    return join(this.dir, 'sqld.pid');
  }

  /** What sqld said since its last start. */
  get log(): string {
    return join(this.dir, 'sqld.log');
  }

  /** @param device - checked by the caller: it becomes a file name */
  token(device: string): string {
    return join(this.dir, 'tokens', `${device}.jwt`);
  }
}
