import { hash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { openStore, type Store } from '../../../src/index.ts';

export const PAGE = 4096;
/** A page in the log, with its header. */
export const FRAME = 24 + PAGE;

/** Text that does not compress away, so that its body becomes a blob. */
export const noise = (length: number, seed = 0) =>
  Array.from({ length }, (_, i) =>
    Math.sin(i + seed * 1e4)
      .toString(36)
      .slice(3, 9),
  ).join(' ');

/** What a store of {@link fillStore} holds. */
export interface Filled {
  readonly sessions: readonly string[];
  readonly threadId: string;
  readonly tasks: number;
  readonly events: number;
}

const made = new Map<string, Promise<{ content: Filled; bytes: Buffer }>>();

/** A closed store with enough of everything for tables of many pages; filled once, then copied. */
export async function fillStore(path: string, key: { encryptionKey?: string } = {}) {
  const name = key.encryptionKey ?? '';
  const filled = made.get(name) ?? makeFilled(key);
  made.set(name, filled);
  const { content, bytes } = await filled;
  writeFileSync(path, bytes, { mode: 0o600 });
  return content;
}

async function makeFilled(key: { encryptionKey?: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'cws-filled-'));
  try {
    const path = join(folder, 'store.db');
    const store = await openStore({ path, durability: 'normal', ...key });
    const content = await fill(store);
    await store.close();
    return { content, bytes: readFileSync(path) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(store: Store): Promise<Filled> {
  const sessions: string[] = [];
  await store.transaction(async (tx) => {
    for (let i = 0; i < 60; i++) {
      const { id } = await tx.sessions.create({ title: `session ${i}`, workspace: '/w' });
      sessions.push(id);
      const messages = Array.from({ length: 6 }, (_, k) => ({
        role: 'user',
        content: `message ${i}.${k} ${noise(20, i * 10 + k)}`,
      }));
      await tx.sessions.appendMessages(id, messages);
      if (i % 10 > 0) continue;
      await tx.sessions.appendMessages(id, [{ role: 'assistant', content: noise(3000, i) }]);
    }
    for (let i = 0; i < 80; i++) await tx.tasks.create({ prompt: `task ${i}`, workspace: '/w' });
  });
  const { id: threadId } = await store.runtime.createThread({ workspace: '/w', model: 'm' });
  const events = Array.from({ length: 400 }, (_, i) => ({ type: 'note', payload: { n: i } }));
  await store.events.append(threadId, events);
  return { sessions, threadId, tasks: 80, events: events.length };
}

/** Pages of a table or index, by kind: `leaf` or `internal`. */
export function pagesOf(path: string, name: string, kind = 'leaf'): number[] {
  const driver = new Driver(path);
  const sql = 'select pageno from dbstat where name = ? and pagetype = ? order by path';
  const rows = driver.prepare(sql).raw().all(name, kind) as [number][];
  driver.close();
  return rows.map(([page]) => page);
}

/** Changes bytes in the middle of a file, as a bad disk would. */
export function damageAt(path: string, offset: number, bytes: Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, offset);
  closeSync(fd);
}

/** Turns all bits of one byte around. */
export function flipByte(path: string, offset: number): void {
  const fd = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, offset);
  byte[0] = ~(byte[0] as number) & 0xff;
  writeSync(fd, byte, 0, 1, offset);
  closeSync(fd);
}

/** Makes a page one that SQLite cannot read: its kind is none that there is. */
export function spoilPage(path: string, page: number): void {
  damageAt(path, (page - 1) * PAGE, Buffer.from([0xff]));
}

/** A store as a crash leaves it, its latest commits in the log: copies of both files. */
export async function crashedStore(path: string): Promise<string[]> {
  const folder = mkdtempSync(join(dirname(path), 'made-'));
  const made = join(folder, 'store.db');
  await (await openStore({ path: made })).close();
  const store = await openStore({ path: made });
  const titles = Array.from({ length: 12 }, (_, i) => `in the log ${i}`);
  for (const title of titles) await store.sessions.create({ title, workspace: '/w' });
  for (const suffix of ['', '-wal']) copyFileSync(made + suffix, path + suffix);
  await store.close();
  return titles;
}

/** Where the frames of a log begin that end a transaction. */
export function commitsOf(log: string): number[] {
  const bytes = readFileSync(log);
  const frames: number[] = [];
  for (let at = 32; at + FRAME <= bytes.length; at += FRAME) {
    if (bytes.readUInt32BE(at + 4) > 0) frames.push(at);
  }
  return frames;
}

/** What tells the bytes of a store and its log from others; undefined for what is empty or not there. */
export function bytesOf(path: string): (string | undefined)[] {
  return ['', '-wal'].map((suffix) =>
    (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0) > 0
      ? hash('sha256', readFileSync(path + suffix))
      : undefined,
  );
}
