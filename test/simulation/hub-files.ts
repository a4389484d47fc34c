import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HubRow } from '../../src/sync/hub/hub.ts';
import { FileHub } from '../support/file-hub.ts';
import { copyStore } from './device.ts';
import { control } from './control.ts';
import { Probe } from './probe.ts';
import type { Request } from './task.ts';

const TOKEN = 'lower(hex(randomblob(16)))';

/** The hub as a file, with what stands on it for the simulation to see. */
export class HubFile {
  readonly path: string;
  readonly hub: FileHub;
  readonly #now: () => number;

  constructor(path: string, now: () => number) {
    this.path = path;
    this.#now = now;
    this.hub = new FileHub({ path, now });
  }

  /** As it is at this moment, in another file. */
  copy(path: string): HubFile {
    copyStore(this.path, path);
    return new HubFile(path, this.#now);
  }

  run(request: Pick<Request, 'statements' | 'mode'>): Promise<HubRow[][]> {
    const token = Buffer.from(Array.from({ length: 16 }, () => control.random.below(256))).toString(
      'hex',
    );
    const statements = request.statements.map(({ sql, params }) => ({
      sql: sql.replaceAll(TOKEN, `'${token}'`),
      params,
    }));
    return this.hub.run(statements, request.mode);
  }

  /** Runs `look` on the file; undefined where nobody has founded the hub. */
  look<T>(look: (probe: Probe) => T): T | undefined {
    const probe = new Probe(this.path);
    try {
      const sql = `select count(*) from sqlite_master where name = 'hub_meta'`;
      return probe.text(sql) === '1' ? look(probe) : undefined;
    } finally {
      probe.close();
    }
  }

  /** Epoch and head: a change of either is work. */
  state(): string {
    return (
      this.look((probe) => probe.text('select epoch || epoch_token || head from hub_meta')) ?? ''
    );
  }
}

/** Where the files of a seed lie, under names that are never used again. */
export class Files {
  readonly #folder: string;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  next(name: string): string {
    return join(this.#folder, `${name}-${++this.#count}.db`);
  }
}
