import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportFrom, importInto, readLines, readRecord, workIn } from '../support/export-tools.ts';
import { tempFolder } from '../support/temp-store.ts';

/** Over a megabyte as it may stand in a file: escapes of every kind, also where there need be none. */
const SPELLED = '\\u00e9é文🐋\\ud83d\\udc0b\\/\\"\\\\\\n\\u0000 x'.repeat(40_000);
const LARGE = `${'🐋文"\\\n\0\ud83d é '.repeat(100_000)}end`;

const THREAD = `{
  "schema_version": 2,
  "id": "thr_0000000a",
  "created_at": "2026-07-25T14:00:00.000000001Z",
  "updated_at": "2026-07-25T14:00:00.000000001Z",
  "model": "auto",
  "workspace": "/w",
  "mode": "agent",
  "allow_shell": false,
  "trust_mode": false,
  "auto_approve": false,
  "archived": false
}`;
const TURN = `{
  "schema_version": 2,
  "id": "turn_0000000a",
  "thread_id": "thr_0000000a",
  "status": "completed",
  "input_summary": "",
  "created_at": "2026-07-25T14:00:00Z",
  "item_ids": [
    "item_0000000a"
  ],
  "notes": "${SPELLED}"
}`;
const ITEM = `{
  "schema_version": 2,
  "id": "item_0000000a",
  "big": 123456789012345678901234567890,
  "first": "${SPELLED}",
  "turn_id": "turn_0000000a",
  "kind": "tool_call",
  "status": "completed",
  "summary": "${'\\u0041'.repeat(30_000)}",
  "detail": "${SPELLED}",
  "metadata": {
    "${'k'.repeat(70_000)}": [
      1.0,
      "${'m'.repeat(70_000)}",
      "\\u0000",
      {},
      "a\\"\\u00000"
    ]
  },
  "started_at": "2026-07-25T14:29:12.618852432Z",
  "ended_at": "2026-07-25T14:29:27.488872482Z"
}`;
const EVENT =
  '{"schema_version":2,"seq":7,"timestamp":"2026-07-25T14:29:27.500000001Z","thread_id":"thr_0000000a"' +
  `,"turn_id":"turn_0000000a","event":"item.completed","payload":{"item":{"n":1.50,"detail":"${SPELLED}"}}}`;
const TASK = `{
  "schema_version": 2,
  "id": "task_0000000a",
  "prompt": "${'\\u0042'.repeat(30_000)}",
  "model": "auto",
  "workspace": "/w",
  "mode": "agent",
  "allow_shell": false,
  "trust_mode": false,
  "auto_approve": false,
  "status": "completed",
  "created_at": "2026-07-25T14:00:00Z",
  "result_summary": "${SPELLED}",
  "tool_calls": [],
  "timeline": []
}`;

const FILES = {
  'tasks/runtime/threads/thr_0000000a.json': THREAD,
  'tasks/runtime/turns/turn_0000000a.json': TURN,
  'tasks/runtime/items/item_0000000a.json': ITEM,
  'tasks/runtime/events/thr_0000000a.jsonl': `${EVENT}\n`,
  'tasks/tasks/task_0000000a.json': TASK,
};

describe('exportStore, legacy, of large bodies', () => {
  it('gives imported ones back byte by byte', async () => {
    const folder = tempFolder();
    const [home, dir, store] = ['home', 'dir', 'store.db'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(join(home, path, '..'), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    const { totals } = await importInto(store, home);
    expect(totals).toMatchObject({ imported: 5, failed: 0 });
    await exportFrom(store, dir);
    for (const [path, text] of Object.entries(FILES)) {
      expect([path, readFileSync(join(dir, path), 'utf8') === text]).toEqual([path, true]);
    }
  });

  it('gives those of the library whole, half surrogate pairs replaced', async () => {
    const folder = tempFolder();
    const [store, dir] = [join(folder, 'store.db'), join(folder, 'dir')];
    const metadata = { parts: [LARGE, 'short', '\0', `${LARGE}2`] };
    const details = { [`\0${'k'.repeat(70_000)}`]: LARGE };
    const saved = { kind: 'tool_call', summary: 'S'.repeat(70_000), detail: LARGE } as const;
    const { item, events } = await workIn(store, async ({ runtime, events }) => {
      const thread = await runtime.createThread({ workspace: '/w' });
      const { id } = await runtime.startTurn(thread.id);
      const item = { ...saved, status: 'completed', metadata, details } as const;
      const payload = { [LARGE]: 1, of: [LARGE] };
      await events.append(thread.id, [{ type: 'own', payload }]);
      return { item: await runtime.saveItem(id, item), events: `${thread.id}.jsonl` };
    });
    await exportFrom(store, dir);
    const record = readRecord(join(dir, 'tasks/runtime/items'), `${item.id}.json`);
    const wanted = JSON.parse(
      JSON.stringify({ ...saved, metadata, ...details }).replaceAll('\\ud83d', '\\ufffd'),
    ) as object;
    expect(JSON.stringify({ ...record, ...wanted }) === JSON.stringify(record)).toBe(true);

    const lines = readLines(join(dir, 'tasks/runtime/events'), events);
    expect(lines.map(({ event }) => event)).toEqual(['turn.started', 'own', 'item.completed']);
    const [, own, told] = lines as { payload: { item: object; of: string[] } }[];
    expect(own?.payload.of[0] === LARGE.replaceAll('\ud83d ', '\ufffd ')).toBe(true);
    expect(
      JSON.stringify({ ...told?.payload.item, ...wanted }) === JSON.stringify(told?.payload.item),
    ).toBe(true);
    expect(readdirSync(join(dir, 'tasks/runtime/items'))).toHaveLength(1);
  });
});
