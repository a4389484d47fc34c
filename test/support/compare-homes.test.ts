import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Driver from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareHomes, type Expected } from './compare-homes.ts';
import { canonical, readJson } from './lossless-json.ts';
import { tempFolder } from './temp-store.ts';

describe('canonical', () => {
  const same = (a: string, b: string) => canonical(readJson(a)) === canonical(readJson(b));

  it('takes white space, escapes and the order of a record’s own keys for the same', () => {
    expect(same('{"a":1,"b":"é"}', ' { "b" : "\\u00e9" , "a" : 1 } ')).toBe(true);
  });

  it.each([
    ['the spelling of a number', '{"a":1}', '{"a":1.0}'],
    ['an integer above 2^53', '{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['the order of keys inside a value', '{"a":{"b":1,"10":2}}', '{"a":{"10":2,"b":1}}'],
    ['one character of a text', '{"a":["x"]}', '{"a":["y"]}'],
    ['null and nothing', '{"a":null}', '{}'],
    ['a text and a number', '{"a":"1"}', '{"a":1}'],
    ['a key that comes twice', '{"a":1,"a":2}', '{"a":2}'],
  ])('tells %s', (_, a, b) => {
    expect(same(a, b)).toBe(false);
  });
});

describe('compareHomes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cws-homes-'));
  const home = join(folder, 'home');
  let manifest: Expected;

  beforeAll(() => {
    const generator = fileURLToPath(new URL('make-legacy-home.mjs', import.meta.url));
    const options = ['--seed', '3', '--sessions', '6', '--events', '60', '--tasks', '6', '--quiet'];
    execFileSync(process.execPath, [generator, home, ...options], { stdio: 'ignore' });
    manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Expected;
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** A copy of the home, changed, is found to differ in one thing. */
  function differences(change: (copy: string) => void, expected: Expected = manifest): string[] {
    const copy = join(tempFolder(), 'copy');
    cpSync(home, copy, { recursive: true, preserveTimestamps: true });
    change(copy);
    return compareHomes(home, copy, expected);
  }

  const firstOf = (copy: string, folder: string) =>
    join(
      copy,
      folder,
      readdirSync(join(copy, folder)).find((name) => /\.jsonl?$/.test(name)) ?? '',
    );

  function replaceOnce(file: string, pattern: RegExp, text: string): void {
    const old = readFileSync(file, 'utf8');
    const changed = old.replace(pattern, text);
    expect(changed).not.toBe(old);
    writeFileSync(file, changed);
  }

  it('finds nothing between a home and its copy', () => {
    expect(differences(() => undefined)).toEqual([]);
  });

  it.each([
    ['sessions', /"role": "user"/, '"role": "usor"'],
    ['tasks/tasks', /"prompt": "/, '"prompt": "x'],
    ['tasks/runtime/threads', /"updated_at": "(.*)Z"/, '"updated_at": "$10Z"'],
    ['tasks/runtime/items', /"status": "completed"/, '"status": "complated"'],
    ['tasks/runtime/events', /"seq":(\d)/, '"seq":9$1'],
    ['automations/automations', /"schema_version": 1/, '"schema_version": 1.0'],
    ['sessions/checkpoints', /"total_tokens": /, '"total_tokens": 1'],
  ])('finds one changed value in %s', (folder, pattern, text) => {
    const found = differences((copy) => {
      replaceOnce(firstOf(copy, folder), pattern, text);
    });
    expect(found.length).toBeGreaterThan(0);
  });

  it('finds a record that is missing, one that is new, and one that is there twice', () => {
    const missing = differences((copy) => {
      rmSync(firstOf(copy, 'tasks/tasks'));
    });
    expect(missing.join()).toMatch(/^tasks: 5 records came through, not 6$/);
    const added = differences((copy) => {
      const file = firstOf(copy, 'tasks/tasks');
      cpSync(file, join(copy, 'tasks/tasks/other.json'));
    });
    expect(added.join()).toContain('exported twice');
  });

  it('finds lines that changed places, and a line that is gone', () => {
    const swapped = differences((copy) => {
      const file = join(copy, 'audit.log');
      const [first, second, ...rest] = readFileSync(file, 'utf8').split('\n');
      writeFileSync(file, [second, first, ...rest].join('\n'));
    });
    expect(swapped).toHaveLength(1);
    const gone = differences((copy) => {
      const file = join(copy, 'audit.log');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^.*\n/, ''));
    });
    expect(gone.join()).toContain('audit: 199 records');
    const more = differences((copy) => {
      appendFileSync(join(copy, 'session_index.jsonl'), '{"thread_id":"x","updated_at":1}\n');
    });
    expect(more).toHaveLength(2);
  });

  it('finds one changed value, and one changed type, in a row of state.db', () => {
    for (const change of [
      `update messages set content = content || ' ' where id = 1`,
      `update threads set rollout_path = '' where rollout_path is null`,
      `update jobs set progress = cast(progress as text) || 'x' where id = (select min(id) from jobs)`,
      `delete from messages where id = 2`,
    ]) {
      const found = differences((copy) => {
        const db = new Driver(join(copy, 'state.db'));
        db.exec(`pragma journal_mode = delete; ${change}`);
        db.close();
      });
      expect(found.length, change).toBeGreaterThan(0);
    }
  });

  it('finds another time of a checkpoint, and another byte of an artifact', () => {
    const later = differences((copy) => {
      utimesSync(join(copy, 'sessions/checkpoints/latest.json'), 1, 1);
    });
    expect(later.join()).toContain('the file has another time');
    const file = 'sessions/s/artifacts/art_x.txt';
    const other = differences((copy) => {
      cpSync(firstOf(copy, 'sessions'), join(copy, file));
    });
    expect(other).toEqual([`artifact ${file}: other bytes`]);
  });
});
