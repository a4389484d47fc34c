import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { importWith } from '../support/export-tools.ts';
import { tempFolder } from '../support/temp-store.ts';

/** From here on a record is taken apart, so that small files will do. */
const TAKEN_APART = { largeBytes: 1 << 16 };
const AS_ONE_TEXT = { largeBytes: Infinity };

/** Over 64 KiB as it may stand in a file: escapes of every kind, also where there need be none. */
const SPELLED = '\\u00e9é文🐋\\ud83d\\udc0b\\/\\"\\\\\\n\\u0000 x'.repeat(5000);
const PLAIN = 'a line\\n'.repeat(20_000);

/** It is looked through in pieces of a megabyte: at least one of them ends inside a character. */
const IN_PIECES = '🐋文é'.repeat(400_000);

const AT = '"2026-07-25T14:00:00.000000001Z"';
const thread = (id: string) => `{
  "schema_version": 2, "id": "${id}", "created_at": ${AT}, "updated_at": ${AT},
  "model": "auto", "workspace": "/w", "mode": "agent", "allow_shell": false, "trust_mode": false,
  "auto_approve": false, "archived": false, "title": "${SPELLED}", "system_prompt": "${SPELLED}"
}`;
const turn = (id: string, threadId: string) => `{
  "schema_version": 2, "id": "${id}", "thread_id": "${threadId}", "status": "completed",
  "input_summary": "${SPELLED}", "created_at": ${AT}, "item_ids": ["item_2", "item_1"], "notes": "${PLAIN}"
}`;
const item = (id: string, turnId: string, more = '') => `{
  "schema_version": 2, "id": "${id}", "big": 123456789012345678901234567890, "turn_id": "${turnId}",
  "kind": "tool_call", "status": "completed", "summary": "${'\\u0041'.repeat(30_000)}",
  "detail": "${SPELLED}", "metadata": { "\\u0061": [ 1.0, "${PLAIN}", "\\u0000", {}, "a\\"\\u00000" ] }${more},
  "started_at": "2026-07-25T14:29:12.618852432Z", "ended_at": "2026-07-25T14:29:27.488872482Z"
}`;
const event = (seq: number, threadId: string, payload: string, more = '') =>
  `{"schema_version":2,"seq":${seq},"timestamp":"2026-07-25T14:29:27.500000001Z"` +
  `,"thread_id":"${threadId}"${more},"event":"item.completed","payload":${payload}}`;
const LARGE_PAYLOAD = `{"item":{"n":1.50,"detail":"${SPELLED}"},"small":"\\u0000"}`;
const events = (threadId: string) => [
  event(1, threadId, LARGE_PAYLOAD, ',"turn_id":"turn_1"'),
  event(1, threadId, LARGE_PAYLOAD, ',"turn_id":"turn_1"'),
  event(2, threadId, ` { "a" : "${PLAIN}" } `),
  event(3, threadId, LARGE_PAYLOAD, `,"note":"${PLAIN}"`),
  event(4, threadId, LARGE_PAYLOAD, ',"turn_id":"\\u0000"'),
  event(5, 'thr_9', `["${SPELLED}"]`),
  event(6, threadId, '{"small":true}'),
  event(7, threadId, `"${IN_PIECES}"`),
];
const message = (text: string, role = 'user') =>
  `{"role":"${role}","content":[{"type":"text","text":"${text}"}]}`;
const session = (id: string, more: string) =>
  `{
  "schema_version": 1, "metadata": { "id": "${id}", "title": "${SPELLED}", "created_at": ${AT},
    "updated_at": ${AT}, "message_count": 4, "total_tokens": 1.0e1, "model": "auto", "workspace": "/w" },
  "messages": [ ${message('\\u0000 is short')}, ${message(SPELLED, 'assistant')},
    ${message('as before')} , ${message(SPELLED, 'assistant')} ], ${more}
  "window_title": null
}`.replace('1.0e1', '10');
const entry = (id: string, parent: string | null, kind: string, more: string) =>
  `{"id":"${id}","parent_id":${parent === null ? 'null' : `"${parent}"`},"created_at":${AT},"kind":"${kind}",${more}}`;
const journal = (...entries: string[]) =>
  `"journal": { "entries": [ ${entries.join(' , ')} ], "leaf_id": "e2" },`;
const MESSAGES = [
  entry('e1', null, 'message', `"message": ${message('\\u0000 is short')}`),
  entry('e2', 'e1', 'message', `"message":${message(SPELLED, 'assistant')}`),
];
const SESSIONS = {
  'sessions/s1.json': session('s1', ''),
  'sessions/s2.json': session('s2', `${journal(...MESSAGES)} "system_prompt": "${SPELLED}",`),
  'sessions/s3.json': session('s3', journal(entry('e2', null, 'user', `"text":"${SPELLED}"`))),
  'sessions/s4.json': session(
    's4',
    journal(
      entry(PLAIN, null, 'message', `"message":${message('a')}`),
      entry('e2', PLAIN, 'message', `"message":${message('b')}`),
    ),
  ),
  'sessions/s5.json': session('s5', '').replace('"assistant"', `"${PLAIN}"`),
  'sessions/checkpoints/s6.json': session('s6', ''),
  'sessions/checkpoints/latest.json': session('s7', ''),
};
const TASK = `{
  "schema_version": 2, "id": "task_1", "prompt": "${SPELLED}", "model": "auto", "workspace": "/w",
  "mode": "agent", "allow_shell": false, "trust_mode": false, "auto_approve": false,
  "status": "completed", "created_at": ${AT}, "result_summary": "${PLAIN}", "tool_calls": [], "timeline": []
}`;
const RUNTIME = 'tasks/runtime';
const FILES = {
  ...SESSIONS,
  [`${RUNTIME}/threads/thr_1.json`]: thread('thr_1'),
  [`${RUNTIME}/turns/turn_1.json`]: turn('turn_1', 'thr_1'),
  [`${RUNTIME}/turns/turn_3.json`]: turn('turn_3', 'thr_3'),
  [`${RUNTIME}/items/item_1.json`]: item('item_1', 'turn_1'),
  [`${RUNTIME}/items/item_2.json`]: item('item_2', 'turn_1', `,"${'k'.repeat(70_000)}":1`),
  [`${RUNTIME}/items/item_3.json`]: item('item_3', 'turn_3'),
  [`${RUNTIME}/events/thr_1.jsonl`]: `${events('thr_1').join('\n')}\n`,
  [`${RUNTIME}/events/thr_3.jsonl`]: `${events('thr_3').join('\n')}\n`,
  'tasks/tasks/task_1.json': TASK,
};

/** One fault each, in a long string or beside one; what is wrong first is what counts. */
const DETAIL = `"detail": "${SPELLED}"`;
const FAULTS: Record<string, (whole: string) => string | Buffer> = {
  control: (whole) => whole.replace(SPELLED, `${SPELLED}\t`),
  escape: (whole) => whole.replace(SPELLED, `${SPELLED}\\x`),
  half_pair: (whole) => whole.replace(SPELLED, `${SPELLED}\\ud83d`),
  other_half: (whole) => whole.replace(SPELLED, `${SPELLED}\\udc0b ${SPELLED}`),
  cut: (whole) => whole.slice(0, whole.indexOf(DETAIL) + 100_000),
  cut_later: (whole) => whole.slice(0, -3),
  bytes: (whole) => Buffer.from(whole.replace(SPELLED, `${PLAIN}é`), 'latin1'),
  twice: (whole) => whole.replace(DETAIL, `${DETAIL}, ${DETAIL}`),
  escape_then_twice: (whole) => whole.replace(DETAIL, `${DETAIL}, ${DETAIL}\\`),
  twice_then_control: (whole) => whole.replace('"big"', '"id":1,"big"').replace(PLAIN, '\n'),
  long_keys: (whole) => whole.replace(DETAIL, `"${PLAIN}":1,"${PLAIN}":2,${DETAIL}`),
  comma: (whole) => whole.replace(DETAIL, `${DETAIL},`),
  deep: (whole) => whole.replace(DETAIL, `${DETAIL},"x":${'['.repeat(200)}`),
  time: (whole) => whole.replace(/"2026-07-25T14:29:12[^"]*"/, `"${PLAIN}"`),
  id: (whole) => whole.replace('"item_bad"', `"${PLAIN}"`),
  kind: (whole) => whole.replace('"tool_call"', `"${PLAIN}"`),
  number: (whole) =>
    whole.replace(DETAIL, `"detail": 1`).replace('"\\u0061": [', `"a": ["${PLAIN}",`),
  behind: (whole) => `${whole} x`,
  none: () => ' '.repeat(100_000),
};

const RESTED = new Date('2026-08-01T00:00:00Z');

function writeHome(home: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home, path, '..'), { recursive: true });
    writeFileSync(join(home, path), text);
    // Of a file that rests the importer knows that nobody is writing it, and does not wait.
    utimesSync(join(home, path), RESTED, RESTED);
  }
}

/** Every row of a store but that of its device, column by column. */
function rowsOf(path: string): Map<string, unknown[]> {
  const driver = new Driver(path, { readonly: true });
  const query = (sql: string) => driver.prepare(sql).raw().all() as unknown[][];
  const names = query(`select name from sqlite_master where type = 'table' and name <> 'device'`);
  const tables = names.map(([name]) => String(name));
  const rows = new Map(tables.map((name) => [name, query(`select * from ${name}`)]));
  driver.close();
  return rows;
}

function expectSame(a: Map<string, unknown[]>, b: Map<string, unknown[]>): void {
  for (const [name, rows] of a) {
    const [before, after] = [rows, b.get(name) ?? []].map((all) =>
      all.map((row) => JSON.stringify(row)),
    );
    // Which chunks lie where tells which were brought in first.
    expect(after?.toSorted(), name).toEqual(before?.toSorted());
  }
}

describe('a large record that is taken apart', () => {
  it('gives the same rows as one that is not, as does its next import', async () => {
    const folder = tempFolder();
    const [home, a, b] = ['home', 'a.db', 'b.db'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeHome(home, FILES);
    const bring = async () => {
      const whole = await importWith(a, AS_ONE_TEXT, home);
      const apart = await importWith(b, TAKEN_APART, home);
      expect(apart).toEqual(whole);
      expectSame(rowsOf(a), rowsOf(b));
      return apart;
    };
    const first = await bring();
    expect(first.byKind).toMatchObject({
      sessions: { imported: 5 },
      items: { imported: 2, orphaned: 1 },
      events: { imported: 8, orphaned: 8 },
    });
    expect(first.totals).toMatchObject({ failed: 0, orphaned: 10 });
    // The parent of the orphans comes, and a record changes.
    writeHome(home, {
      [`${RUNTIME}/threads/thr_3.json`]: thread('thr_3'),
      [`${RUNTIME}/items/item_1.json`]: item('item_1', 'turn_1', `,"more":"${PLAIN}"`),
    });
    expect((await bring()).totals).toMatchObject({ orphaned: 0, updated: 1, imported: 11 });
    expect((await bring()).totals).toMatchObject({ updated: 0, imported: 0 });
  });

  it('is refused for the same reason, in a file and in a line', async () => {
    const folder = tempFolder();
    const home = join(folder, 'home');
    writeHome(home, {
      [`${RUNTIME}/threads/thr_1.json`]: thread('thr_1'),
      [`${RUNTIME}/turns/turn_1.json`]: turn('turn_1', 'thr_1'),
    });
    const sound = item('item_bad', 'turn_1');
    const line = `{"schema_version":2,"seq":1,"timestamp":${AT},"thread_id":"thr_1","event":"e","payload":${sound.replaceAll('\n', ' ')}}`;
    for (const [name, spoil] of Object.entries(FAULTS)) {
      writeHome(home, {
        [`${RUNTIME}/items/${name}.json`]: spoil(sound),
        [`${RUNTIME}/events/${name}.jsonl`]: spoil(line),
        [`${RUNTIME}/threads/${name}.json`]: thread(name),
      });
    }
    const [whole, apart] = [
      await importWith(join(folder, 'a.db'), AS_ONE_TEXT, home),
      await importWith(join(folder, 'b.db'), TAKEN_APART, home),
    ];
    expect(apart.problems).toEqual(whole.problems);
    const reasons = new Set(apart.problems.map(({ reason }) => reason));
    for (const reason of [
      'malformed_json',
      'truncated_json',
      'torn_tail',
      'lone_surrogate',
      'duplicate_key',
      'invalid_utf8',
      'too_deep',
      'invalid_value',
      'unknown_variant',
      'unsafe_id',
    ]) {
      expect(reasons).toContain(reason);
    }
  });

  it('leaves nothing behind where it is only tried', async () => {
    const folder = tempFolder();
    const [home, store] = [join(folder, 'home'), join(folder, 'store.db')];
    writeHome(home, FILES);
    const tried = await importWith(store, { ...TAKEN_APART, dryRun: true }, home);
    expect(
      [...rowsOf(store)]
        .filter(([name]) => /blob|items|session/.test(name))
        .flatMap(([, rows]) => rows),
    ).toEqual([]);
    expect(await importWith(store, TAKEN_APART, home)).toEqual(tried);
  });
});
