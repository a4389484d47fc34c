import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { expect, it, onTestFinished } from 'vitest';
import { findLogDamage } from '../../src/db/log-file.ts';
import { patchFs } from '../support/patch-fs.ts';
import { tempFolder } from '../support/temp-store.ts';

const PAGE = 4096;
const HEADER = 32;
const FRAME = 24 + PAGE;

/** A database of which each commit is one frame of its log. */
function logged(commits: number): { log: string; commit: () => void; restart: () => void } {
  const path = join(tempFolder(), 'store.db');
  const writer = new Driver(path);
  onTestFinished(() => {
    writer.close();
  });
  writer.exec(`pragma page_size = ${PAGE}; pragma journal_mode = wal; pragma synchronous = off`);
  writer.exec('pragma wal_autocheckpoint = 0; create table t (n); insert into t values (0)');
  const restart = () => {
    writer.prepare('pragma wal_checkpoint(restart)').get();
  };
  const commit = () => {
    writer.exec('update t set n = n + 1');
  };
  restart();
  for (let i = 0; i < commits; i++) commit();
  return { log: `${path}-wal`, commit, restart };
}

/** Lets something happen before the frame of this number is read, whenever it is read. */
function beforeFrame(number: number, happens: (times: number) => void): () => number {
  let times = 0;
  patchFs('readSync', (real) => {
    const read = (fd: number, into: Buffer, start: number, length: number, at: number) => {
      if (length === FRAME && at === HEADER + number * FRAME) happens(++times);
      return real(fd, into, start, length, at);
    };
    return read as typeof real;
  });
  return () => times;
}

it('a log that is begun anew while it is looked at is not taken for a damaged one', () => {
  const { log, commit, restart } = logged(20);
  expect(statSync(log).size).toBeGreaterThanOrEqual(HEADER + 20 * FRAME);
  const looks = beforeFrame(5, (times) => {
    if (times > 1) return;
    restart();
    // One frame of the new log beyond what was read of the old one.
    for (let i = 0; i < 6; i++) commit();
  });
  expect(findLogDamage(log)).toBeUndefined();
  expect(looks()).toBe(2);
});

it('nor is one of which a frame is seen when half of it is written', () => {
  const { log } = logged(20);
  const whole = readFileSync(log);
  const looks = beforeFrame(5, (times) => {
    const half = Buffer.from(whole);
    if (times === 1) half.fill(0, HEADER + 5 * FRAME + 2000, HEADER + 6 * FRAME);
    writeFileSync(log, half);
  });
  expect(findLogDamage(log)).toBeUndefined();
  expect(looks()).toBe(2);
});

it('a damaged spot is found, also while others go on writing behind it', () => {
  const { log, commit } = logged(20);
  const bytes = readFileSync(log);
  const last = HEADER + 6 * FRAME - 1;
  bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
  writeFileSync(log, bytes);
  const looks = beforeFrame(5, commit);
  expect(findLogDamage(log)).toMatchObject({ sound: 5 });
  expect(looks()).toBe(2);
});

it('nor are two logs, one after the other, that were each begun anew at the same place', () => {
  const { log, commit, restart } = logged(20);
  const looks = beforeFrame(5, (times) => {
    if (times > 2) return;
    restart();
    for (let i = 0; i < 6; i++) commit();
  });
  // The frames behind are of the log before, which the second look must not take for its own.
  expect(findLogDamage(log)).toBeUndefined();
  expect(looks()).toBeGreaterThan(1);
});
