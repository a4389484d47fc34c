import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { startSlowLine } from '../../support/slow-line.ts';
import { startSqld } from '../../support/sqld.ts';

const SILENCE_MS = 700;
/** What takes three times as long as the hub may be silent. */
const BYTES_PER_S = 50_000;
const LARGE_BYTES = 75_000;

const INSERT = (bytes: Uint8Array) => [{ sql: 'insert into t values (?1)', params: [bytes] }];
const READ = [{ sql: 'select a from t', params: [] }];

async function setup() {
  const sqld = await startSqld();
  const line = await startSlowLine(sqld.url, BYTES_PER_S);
  const open = (url: string) => {
    const hub = new HttpHub({ url, token: () => undefined, silenceMs: SILENCE_MS });
    onTestFinished(() => {
      hub.close();
    });
    return hub;
  };
  const direct = open(sqld.url);
  await direct.run([{ sql: 'create table t (a)', params: [] }], 'write');
  return { line, hub: open(line.url), direct };
}

describe('over a slow line', () => {
  it('a large request goes up, however long that takes', async () => {
    const { hub, direct } = await setup();
    const bytes = new Uint8Array(randomBytes(LARGE_BYTES));
    const start = performance.now();
    await hub.run(INSERT(bytes), 'write');
    expect(performance.now() - start).toBeGreaterThan(2 * SILENCE_MS);
    expect((await direct.run(READ, 'read'))[0]).toEqual([[bytes]]);
    // Nor does one that was quick make it impatient with those that are large.
    await hub.run(READ.slice(0, 0), 'read');
    await hub.run(INSERT(bytes), 'write');
  });

  it('a large answer comes down, while there is always more of it', async () => {
    const { hub, direct } = await setup();
    const bytes = new Uint8Array(randomBytes(LARGE_BYTES));
    await direct.run(INSERT(bytes), 'write');
    const start = performance.now();
    expect((await hub.run(READ, 'read'))[0]).toEqual([[bytes]]);
    expect(performance.now() - start).toBeGreaterThan(2 * SILENCE_MS);
  });

  it.each([
    ['a request', 'up'],
    ['an answer', 'down'],
  ] as const)('a line that dies in the middle of %s is given up', async (_, way) => {
    const { line, hub, direct } = await setup();
    const bytes = new Uint8Array(randomBytes(LARGE_BYTES));
    await hub.run(INSERT(bytes), 'write');
    const before = line.passed[way];
    const lost = way === 'up' ? hub.run(INSERT(bytes), 'write') : hub.run(READ, 'read');
    const refused = expect(lost).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
    await expect.poll(() => line.passed[way] - before, { timeout: 5000 }).toBeGreaterThan(20_000);
    line.fallSilent();
    await refused;
    expect((await direct.run(READ, 'read'))[0]).toHaveLength(1);
  });

  it.each([
    ['a request', 'up'],
    ['an answer', 'down'],
  ] as const)('close ends what is in the middle of %s', async (_, way) => {
    const { line, hub } = await setup();
    const bytes = new Uint8Array(randomBytes(LARGE_BYTES));
    await hub.run(INSERT(bytes), 'write');
    const before = line.passed[way];
    const running = way === 'up' ? hub.run(INSERT(bytes), 'write') : hub.run(READ, 'read');
    const refused = expect(running).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
    await expect.poll(() => line.passed[way] - before, { timeout: 5000 }).toBeGreaterThan(10_000);
    hub.close();
    await refused;
    expect(line.passed[way] - before).toBeLessThan(LARGE_BYTES);
  });
});
