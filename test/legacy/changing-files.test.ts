import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import Database from 'libsql';
import { homeOf, readAll, reasons, thread } from './legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';

/** Runs a script until the test ends; resolves when it has printed its first line. */
async function startWriter(script: string, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
}

describe('while a writer is at work', () => {
  it('gives whole versions of a file that is rewritten in place, or says that it changes', async () => {
    const dir = homeOf({ 'tasks/runtime/threads/thr_00000001.json': JSON.stringify(thread()) });
    const file = join(dir, 'tasks/runtime/threads/thr_00000001.json');
    const script = `
      import { writeFileSync } from 'node:fs';
      const [file, text] = process.argv.slice(1);
      for (let i = 0; ; i++) {
        const letter = String.fromCharCode(97 + i % 26);
        writeFileSync(file, text.replace('"m"', '"' + letter.repeat(200_000) + '"'));
        if (i === 5) console.log('going');
      }`;
    await startWriter(script, file, JSON.stringify(thread()));
    // The writer never rests, so it is noticed sooner or later.
    for (let i = 0, changing = 0; i < 8 || changing === 0; i++) {
      const reading = await readAll(dir);
      for (const record of reading.records) {
        const { model } = record.value as { model: string };
        expect(model).toBe(model.charAt(0).repeat(200_000));
      }
      for (const reason of reasons(reading)) {
        // A writer that is stopped right after it has opened the file leaves it empty.
        expect(['threads reject changing', 'threads reject empty_file']).toContain(reason);
        changing++;
      }
      expect(reading.records.length + reading.problems.length).toBe(1);
    }
  });

  it('gives one version of a file that is replaced by rename', async () => {
    const dir = homeOf({ 'tasks/runtime/threads/thr_00000001.json': JSON.stringify(thread()) });
    const script = `
      import { renameSync, writeFileSync } from 'node:fs';
      import { setTimeout } from 'node:timers/promises';
      const [file, text] = process.argv.slice(1);
      for (let i = 0; ; i++) {
        const letter = String.fromCharCode(97 + i % 26);
        writeFileSync(file + '.tmp', text.replace('"m"', '"' + letter.repeat(200_000) + '"'));
        renameSync(file + '.tmp', file);
        if (i === 5) console.log('going');
        await setTimeout(40);
      }`;
    const file = join(dir, 'tasks/runtime/threads/thr_00000001.json');
    await startWriter(script, file, JSON.stringify(thread()));
    for (let read = 0; read < 10;) {
      const { records } = await readAll(dir);
      for (const record of records) {
        const { model } = record.value as { model: string };
        expect(model).toBe(model.charAt(0).repeat(200_000));
        read++;
      }
    }
  });

  it('copies state.db in one state, or says that it changes', async () => {
    const dir = join(tempFolder(), 'home');
    mkdirSync(dir);
    const file = join(dir, 'state.db');
    const database = new Database(file);
    database.exec(
      'pragma journal_mode = wal; create table jobs (id text primary key, name text not null, status text not null, progress integer, detail text, created_at integer not null, updated_at integer not null)',
    );
    const insert = database.prepare("insert into jobs values (?, 'n', 'queued', 1, null, 1, 1)");
    let pairs = 0;
    const timer = setInterval(() => {
      // Two rows or none: a torn copy would show one.
      database.exec('begin');
      insert.run(`a${pairs}`);
      insert.run(`b${pairs}`);
      database.exec('commit');
      pairs++;
    }, 37);
    onTestFinished(() => {
      clearInterval(timer);
      database.close();
    });
    // Readings are quicker than the writer on some machines: they go on until both have done their part.
    for (let good = 0; good < 4 || pairs < 4;) {
      const reading = await readAll(dir);
      const rows = reading.records.filter((record) => record.kind === 'state.jobs').length;
      expect(rows % 2).toBe(0);
      if (reading.problems.length === 0 && rows > 0) good++;
      for (const problem of reading.problems) expect(problem.reason).toBe('changing');
    }
  });

  it('reads a log as long as it was, and hashes just that', async () => {
    const line = '{"ts":"2026-08-19T10:00:04+00:00","event":"x"}\n';
    const dir = homeOf({ 'audit.log': line.repeat(2000) });
    const first = await readAll(dir, {
      mark: ({ kind }) => {
        if (kind === 'audit') writeFileSync(join(dir, 'audit.log'), 'more\n', { flag: 'a' });
        return undefined;
      },
    });
    expect(first.problems).toEqual([]);
    expect(first.files[0]).toMatchObject({ records: 2000, file: { size: line.length * 2000 } });
  });
});
