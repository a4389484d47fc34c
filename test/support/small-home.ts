import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { LegacyStateDb } from '../../src/db/legacy-state-db.ts';
import { tempFolder } from './temp-store.ts';

/** RFC 3339 of unix seconds. */
export const time = (at: number) => new Date(at * 1000).toISOString();

/** A legacy home in the making, of records that a test spells out. */
export class SmallHome {
  readonly root = join(tempFolder(), 'home');

  put(path: string, record: object): void {
    this.#write(path, JSON.stringify(record));
  }

  line(path: string, record: object): void {
    this.#write(path, `${JSON.stringify(record)}\n`, 'a');
  }

  row(table: string, row: Readonly<Record<string, string | number>>): void {
    const file = join(this.root, 'state.db');
    if (!existsSync(file)) {
      mkdirSync(this.root, { recursive: true });
      writeFileSync(file, '');
      const made = new LegacyStateDb(file);
      made.finish();
      made.close();
    }
    const driver = new Driver(file);
    // As early versions left it: rows without their thread are real.
    driver.exec('pragma foreign_keys = off');
    const names = Object.keys(row);
    const sql = `insert or replace into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`;
    driver.prepare(sql).run(...Object.values(row));
    driver.close();
  }

  copy(): SmallHome {
    const other = new SmallHome();
    cpSync(this.root, other.root, { recursive: true });
    return other;
  }

  #write(path: string, text: string, flag = 'w'): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag });
  }
}
