import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { homeOf, readAll, reasons, session, thread } from './legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';

const THREADS = 'tasks/runtime/threads';

async function reasonFor(content: string | Buffer, path = `${THREADS}/x.json`): Promise<string> {
  const reading = await readAll(homeOf({ [path]: content }));
  const [problem] = reading.problems.filter((p) => p.class !== 'anomaly');
  return problem?.reason ?? 'accepted';
}

describe('a record file', () => {
  const good = JSON.stringify(thread());
  it.each([
    ['empty', '', 'empty_file'],
    ['blank', ' \n', 'truncated_json'],
    ['with a byte order mark', `\ufeff${good}`, 'malformed_json'],
    ['with a NUL', `${good}\0`, 'malformed_json'],
    ['with a NUL in a text', good.replace('"m"', '"a\0b"'), 'malformed_json'],
    ['with an escaped NUL in a text', good.replace('"m"', '"a\\u0000b"'), 'accepted'],
    ['deep', `{"x":${'['.repeat(1e5)}`, 'too_deep'],
    ['deep but closed', `{"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 'too_deep'],
    ['a list', `[${good}]`, 'wrong_shape'],
    ['null', 'null', 'wrong_shape'],
    ['cut off', good.slice(0, -2), 'truncated_json'],
    ['two records', good + good, 'malformed_json'],
    ['with half a pair', good.replace('"m"', '"\\ud83d"'), 'lone_surrogate'],
    ['with a key twice', good.replace('{', '{"id":"y",'), 'duplicate_key'],
    ['with latin-1', Buffer.from(good.replace('"m"', '"é"'), 'latin1'), 'invalid_utf8'],
    ['of the next version', JSON.stringify(thread({ schema_version: 3 })), 'newer_schema'],
    ['of version 1', JSON.stringify(thread({ schema_version: 1 })), 'accepted'],
    ['with a null version', JSON.stringify(thread({ schema_version: null })), 'wrong_shape'],
    ['with version 2.0', good.replace(':2,', ':2.0,'), 'wrong_shape'],
    ['with version "2"', JSON.stringify(thread({ schema_version: '2' })), 'wrong_shape'],
    ['with version -1', JSON.stringify(thread({ schema_version: -1 })), 'invalid_value'],
    ['with a null default', JSON.stringify(thread({ archived: null })), 'wrong_shape'],
    ['with a null option', JSON.stringify(thread({ title: null })), 'accepted'],
    ['with a wrong option', JSON.stringify(thread({ title: 5 })), 'wrong_shape'],
    ['with a number for a text', good.replace('"m"', '2.0'), 'wrong_shape'],
    ['with a bad time', JSON.stringify(thread({ created_at: 'today' })), 'invalid_value'],
    [
      'with an unknown word',
      JSON.stringify(thread({ permission_posture: 'x' })),
      'unknown_variant',
    ],
    ['with an unsafe id', JSON.stringify(thread({ id: '../x' })), 'unsafe_id'],
    ['with an empty id', JSON.stringify(thread({ id: '' })), 'unsafe_id'],
    ['with unknown keys', good.replace('{', '{"__proto__":{"id":1},"new":[1.0],'), 'accepted'],
  ])('%s', async (_, content, reason) => {
    expect(await reasonFor(content)).toBe(reason);
  });

  it('keeps numbers, key order and escapes as they are spelled', async () => {
    const extra = '"x":{"10":1.0,"9":9007199254740993,"a":"\\u00e9"}';
    const content = JSON.stringify(thread(), null, 2).replace('{', `{ ${extra}, `);
    const { records } = await readAll(homeOf({ [`${THREADS}/thr_00000001.json`]: content }));
    expect(records[0]?.raw).toContain(extra);
  });

  it('checks 64-bit integers exactly', async () => {
    const of = (seq: string) => `{"schema_version":2,"next_seq":${seq}}`;
    const path = 'tasks/runtime/state.json';
    expect(await reasonFor(of('18446744073709551615'), path)).toBe('accepted');
    expect(await reasonFor(of('18446744073709551616'), path)).toBe('invalid_value');
    expect(await reasonFor(of('-1'), path)).toBe('invalid_value');
    expect(await reasonFor(of('1e3'), path)).toBe('wrong_shape');
    expect(await reasonFor(of('5.0'), path)).toBe('wrong_shape');
  });

  it('takes floats in either spelling, and long texts beside them', async () => {
    const cost = { session_cost_usd: 'NUMBER', coverage_recorded: true };
    const content = JSON.stringify(session({ system_prompt: 'x'.repeat(1e5) }, { cost }));
    for (const number of ['0.0', '1', '1e-7', '123456789012345678']) {
      const text = content.replace('"NUMBER"', number);
      expect(await reasonFor(text, 'sessions/s-1.json')).toBe('accepted');
    }
    expect(await reasonFor(content, 'sessions/s-1.json')).toBe('wrong_shape');
  });

  it('says which field is wrong, and nothing of what is in it', async () => {
    const content = JSON.stringify(session({}, { cost: { priced_turns: 'secret' } }));
    const { problems } = await readAll(homeOf({ 'sessions/s-1.json': content }));
    expect(problems[0]?.message).toContain('"metadata.cost.priced_turns"');
    expect(JSON.stringify(problems)).not.toContain('secret');
  });
});

describe('two files with one id', () => {
  it('lets the one win whose name is the id, wherever it comes in the order', async () => {
    for (const other of ['aaa', 'zzz']) {
      const reading = await readAll(
        homeOf({
          [`${THREADS}/thr_00000001.json`]: JSON.stringify(thread({ title: 'right' })),
          [`${THREADS}/${other}.json`]: JSON.stringify(thread({ title: 'wrong' })),
        }),
      );
      expect(reading.records.map((record) => record.value)).toEqual([thread({ title: 'right' })]);
      expect(reasons(reading)).toEqual(['threads reject duplicate_id']);
    }
  });

  it('takes the other one when the file of that name is bad', async () => {
    const reading = await readAll(
      homeOf({
        [`${THREADS}/thr_00000001.json`]: '{',
        [`${THREADS}/copy.json`]: JSON.stringify(thread()),
      }),
    );
    expect(reading.records).toMatchObject([
      { id: 'thr_00000001', anomaly: 'id_filename_mismatch' },
    ]);
    expect(reasons(reading)).toEqual(['threads reject truncated_json']);
  });

  it('treats names of Object.prototype as ids like any other', async () => {
    const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const files = ids.map((id) => [`${THREADS}/${id}.json`, JSON.stringify(thread({ id }))]);
    const { records, problems } = await readAll(
      homeOf(Object.fromEntries(files) as Record<string, string>),
    );
    expect(records.map((record) => record.id).sort()).toEqual([...ids].sort());
    expect(problems).toEqual([]);
  });
});

describe('what is no plain file', () => {
  it('passes over directories, pipes and temporary files with a note', async () => {
    const dir = homeOf({ [`${THREADS}/.tmpAb12Cd`]: '{', [`${THREADS}/.x.json.tmp`]: '{' });
    mkdirSync(join(dir, THREADS, 'a.json'));
    execFileSync('mkfifo', [join(dir, THREADS, 'b.json')]);
    expect(reasons(await readAll(dir))).toEqual([
      'threads ignore directory',
      'threads ignore foreign_file',
      'threads ignore temp_file',
      'threads ignore temp_file',
    ]);
  });

  it('does not follow a linked record file', async () => {
    const dir = homeOf({ 'elsewhere/real.json': JSON.stringify(thread()) });
    mkdirSync(join(dir, THREADS), { recursive: true });
    symlinkSync(join(dir, 'elsewhere/real.json'), join(dir, THREADS, 'thr_00000001.json'));
    const reading = await readAll(dir);
    expect(reading.records).toEqual([]);
    expect(reasons(reading)).toEqual(['threads reject symlink']);
  });

  it('reads a linked area inside the home once, and none outside', async () => {
    const dir = homeOf({ [`${THREADS}/thr_00000001.json`]: JSON.stringify(thread()) });
    renameSync(join(dir, THREADS), join(dir, 'moved'));
    symlinkSync(join(dir, 'moved'), join(dir, THREADS));
    symlinkSync(join(dir, 'moved'), join(dir, 'tasks/runtime/turns'));
    const outside = homeOf({ 's-1.json': JSON.stringify(session()) });
    symlinkSync(outside, join(dir, 'sessions'));
    symlinkSync(join(outside, 'gone'), join(dir, 'automations'));
    const reading = await readAll(dir);
    expect(reading.records.map((record) => record.kind)).toEqual(['threads']);
    expect(reasons(reading)).toEqual(['automations reject unreadable', 'sessions reject symlink']);
  });

  it('follows a home that is itself a link', async () => {
    const dir = homeOf({ 'sessions/s-1.json': JSON.stringify(session()) });
    const link = join(tempFolder(), 'link');
    symlinkSync(dir, link);
    const { records } = await readAll(link);
    expect(records).toMatchObject([{ path: 'sessions/s-1.json', home: link }]);
  });

  it('reports what it may not read, and reads the rest', async () => {
    const dir = homeOf({
      'sessions/s-1.json': JSON.stringify(session()),
      'sessions/s-2.json': JSON.stringify(session()),
      'state.db': 'x',
      [`${THREADS}/thr_00000001.json`]: JSON.stringify(thread()),
      'tasks/runtime/events/thr_00000001.jsonl': '{}\n',
    });
    for (const path of ['', 'sessions', 'tasks', 'tasks/runtime', 'tasks/runtime/events']) {
      chmodSync(join(dir, path), 0o755);
    }
    chmodSync(join(dir, 'sessions/s-2.json'), 0);
    chmodSync(join(dir, 'state.db'), 0);
    chmodSync(join(dir, 'tasks/runtime/events/thr_00000001.jsonl'), 0);
    chmodSync(join(dir, THREADS), 0);
    const reading = await asNobody(() => readAll(dir));
    expect(reading.records.map((record) => record.id)).toEqual(['s-1']);
    expect(reasons(reading)).toEqual([
      'events reject unreadable',
      'sessions reject unreadable',
      'state.threads reject unreadable',
      'threads reject unreadable',
    ]);
  });
});

describe('a log', () => {
  const event = (seq: number) =>
    `{"seq":${seq},"timestamp":"2026-08-18T09:15:06Z","thread_id":"t","event":"e","payload":null}`;

  it('commits a line by its newline', async () => {
    const path = 'tasks/runtime/events/t.jsonl';
    const known = { known: () => true };
    const read = async (text: string | Buffer) => {
      const reading = await readAll(homeOf({ [path]: text }), known);
      return [reading.records.length, ...reasons(reading).map((reason) => reason.split(' ')[2])];
    };
    expect(await read(`${event(1)}\r\n\n \t\n${event(2)}\n`)).toEqual([
      2,
      'blank_line',
      'blank_line',
    ]);
    expect(await read(`${event(1)}\n${event(2)}`)).toEqual([1, 'uncommitted_tail']);
    expect(await read(`${event(1)}\n${event(2).slice(0, 30)}`)).toEqual([1, 'torn_tail']);
    const cut = Buffer.from(`${event(1)}\n{"x":"é`).subarray(0, -1);
    expect(await read(cut)).toEqual([1, 'torn_tail']);
    expect(await read(`${event(1).slice(0, 30)}\n${event(2)}\n`)).toEqual([1, 'malformed_json']);
    expect(await read('')).toEqual([0, 'empty_log']);
  });

  it('takes a last audit line without a newline, which nothing else would', async () => {
    const line = '{"ts":"2026-08-19T10:00:04+00:00","event":"x"}';
    const { records } = await readAll(
      homeOf({ 'audit.log': `${line}\n${line}`, 'audit.log.1': line }),
    );
    expect(records.map(({ path, line: n }) => `${path}:${n ?? 0}`)).toEqual([
      'audit.log.1:1',
      'audit.log:1',
      'audit.log:2',
    ]);
  });

  it('reads a line of 100 MB', { timeout: 120_000 }, async () => {
    const big = event(1).replace('null', `"${'x'.repeat(100 * 1024 * 1024)}"`);
    const dir = homeOf({ 'tasks/runtime/events/t.jsonl': `${event(0)}\n${big}\n${event(2)}\n` });
    writeFileSync(join(dir, 'tasks/runtime/state.json'), '{"next_seq":3}');
    const { records } = await readAll(dir, { known: () => true });
    const lines = records.filter((record) => record.kind === 'events');
    expect(lines.map((record) => record.line)).toEqual([1, 2, 3]);
    const { raw = '', strings } = lines[1] ?? {};
    expect(raw.length).toBeLessThan(1000);
    expect(strings?.whole(raw) === big).toBe(true);
  });
});

/** File permissions do not bind root, so tests that run as root step down. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
