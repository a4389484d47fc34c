import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { freePort, sqldBinary } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { BaseLoad } from '../sync/base-load.ts';
import { expectWhole, hubReader } from '../sync/checkers.ts';
import { identityOf, joinHub, work } from '../sync/member.ts';
import { seeded } from '../sync/seed.ts';

/** A hub on a small disk of its own, of which some is taken. Nothing but the hub sees that disk. */
async function hubOnSmallDisk(): Promise<{ url: string; free: () => void }> {
  const folder = tempFolder();
  const port = await freePort();
  const script = `mount -t tmpfs -o size=9m tmpfs "$1" && head -c 5M /dev/zero >"$1/ballast" &&
    exec "$2" --db-path "$1/db" --http-listen-addr "127.0.0.1:$3" --no-welcome`;
  const args = ['-rm', 'sh', '-c', script, 'sh', folder, sqldBinary, String(port)];
  const child = spawn('unshare', args, { stdio: 'ignore' });
  const gone = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const url = `http://127.0.0.1:${port}`;
  const health = () =>
    fetch(`${url}/health`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(health, { timeout: 20_000 }).toBe(200);
  return {
    url,
    free: () => {
      rmSync(join('/proc', String(child.pid), 'root', folder, 'ballast'));
    },
  };
}

it('a hub whose disk is full is left in peace, and gets everything when there is room', async () => {
  const random = seeded('a full disk of the hub');
  const { url, free } = await hubOnSmallDisk();
  const load = new BaseLoad(random);
  const a = await joinHub('a', url);
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', url);
  await b.sync();
  const known = [identityOf(a), identityOf(b)];

  // Random text, so that it is as long on the hub.
  const noise = () => Array.from({ length: 8000 }, () => random.fraction().toString(36)).join('');
  let refused: unknown;
  for (let i = 0; refused === undefined && i < 200; i++) {
    await load.append(a, load.thread(), noise());
    await a.sync().catch((error: unknown) => {
      refused = error;
    });
  }
  expect(refused).toMatchObject({ code: 'HUB_BUSY', retryable: true });
  // Its own work goes on, and the hub still says what it has.
  await load.burst(a, 10);
  const status = await a.store.sync.status();
  expect(status.lastError).toMatchObject({ code: 'HUB_BUSY' });
  expect(status.pendingRows).toBeGreaterThan(0);
  const ask = hubReader(url);
  const [meta] = await ask('select head from hub_meta');
  expect(Number(meta?.[0])).toBeGreaterThan(0);

  work(a);
  work(b);
  await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_BUSY' });
  free();
  await expectWhole({ load, members: [a, b], url, by: 'itself' });
  expect([identityOf(a), identityOf(b)]).toEqual(known);
});
