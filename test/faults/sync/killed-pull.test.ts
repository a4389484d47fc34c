import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { builtLibrary } from '../../support/built-library.ts';
import { startSqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole, hubReader } from './checkers.ts';
import { joinHub, type Member } from './member.ts';
import { rounds, seeded } from './seed.ts';

const WRITER = fileURLToPath(new URL('writer.mjs', import.meta.url));
/** So many that a pull takes several pages and some hundred transactions. */
const EVENTS = 2500;

it('a device that is killed in the middle of a pull goes on where its rows end', async () => {
  const random = seeded('kills in a pull');
  const library = await builtLibrary();
  const sqld = await startSqld();
  const ask = hubReader(sqld.url);
  const load = new BaseLoad(random);
  const a = await joinHub('a', sqld.url);
  await load.begin(a);
  await fill(load, a);
  await a.sync();
  const b = await joinHub('b', sqld.url);
  await b.sync();
  const victim = await joinHub('victim', sqld.url);
  const own = (await victim.store.runtime.createThread({ workspace: '/w', model: 'm' })).id;

  const count = rounds(4);
  let midway = 0;
  let acked = 0;
  for (let round = 0; round < count; round++) {
    await load.burst(b, 10);
    await b.sync();
    const head = Number((await ask('select head from hub_meta'))[0]?.[0]);
    const start = cursorOf(victim);
    // Later and later, so that each finds some left to pull.
    const target = start + (head - start) * ((1 + random.below(50) / 100) / (count - round + 1));
    const child = spawn(
      process.execPath,
      [WRITER, library, victim.path, 'victim', own, String(acked)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const exited = once(child, 'exit');
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('ACK ')) return;
      load.acknowledged(own, 'victim', line.slice(4));
    });
    while (cursorOf(victim) < target && child.exitCode === null) await sleep(1);
    child.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
    const cursor = cursorOf(victim);
    if (cursor > start && cursor < head) midway++;
    await takeLastWrite(load, victim, own);
    acked = load.events.get(own)?.get('victim')?.length ?? 0;
    // Exactly what lies below the cursor is here, and nothing of what lies above it.
    const there = await ask(
      'select seq, id from hub_entries where table_name = ?',
      'runtime_events',
    );
    const here = new Set(victim.rows('select id from runtime_events').map(([id]) => id));
    const wrong = there.filter(([seq, id]) => Number(seq) <= cursor !== here.has(id as string));
    expect(wrong, `cursor ${cursor} of ${head}`).toEqual([]);
  }
  expect(midway).toBeGreaterThanOrEqual(Math.ceil(count / 2));
  expect(acked).toBeGreaterThan(0);
  await expectWhole({ load, members: [a, b, victim], url: sqld.url });
});

/** Thousands of events, written as few transactions. */
async function fill(load: BaseLoad, member: Member): Promise<void> {
  for (let at = 0; at < EVENTS; at += 500) {
    const tags = Array.from({ length: 500 }, (_, i) => `fill-${at + i}`);
    const thread = load.thread();
    await member.store.events.append(
      thread,
      tags.map((tag) => ({ type: 'load', payload: { tag, by: 'fill' } })),
    );
    for (const tag of tags) load.acknowledged(thread, 'fill', tag);
  }
}

function cursorOf(member: Member): number {
  return Number(member.row('select cursor from sync_state')?.[0]);
}

/** The write under way at the kill may have become one: it was not acknowledged, and may be there. */
async function takeLastWrite(load: BaseLoad, victim: Member, thread: string): Promise<void> {
  const { items } = await victim.store.events.since(thread, 0, { limit: 4096 });
  const known = load.events.get(thread)?.get('victim') ?? [];
  const tags = items.map(({ payload }) => (payload as { tag: string }).tag);
  expect(tags.slice(0, known.length)).toEqual(known);
  expect(tags.length - known.length).toBeLessThanOrEqual(1);
  for (const tag of tags.slice(known.length)) load.acknowledged(thread, 'victim', tag);
}
