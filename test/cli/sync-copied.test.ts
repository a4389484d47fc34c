import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { startSqld } from '../support/sqld.ts';
import { setupCli, type Cli } from './run-cli.ts';

async function copyOf(cli: Cli): Promise<Cli> {
  const copy = await setupCli();
  cpSync(cli.folder, copy.folder, { recursive: true });
  return copy;
}

const SAYS = 'this store is a copy, and another device from now on';

it('a copy of a store is told by whatever finds it, and by the status until its work is taken over', async () => {
  const sqld = await startSqld();
  const cli = await setupCli();
  expect((await cli.run('sync', 'enable', sqld.url, '--no-encryption')).code).toBe(0);
  const task = await cli.json<{ id: string }>('task', 'add', 'of the first');
  await cli.run('sync', 'now');
  const { deviceId: former } = await cli.json<{ deviceId: string }>('sync', 'status');
  const [byHand, forPrograms, watching] = [await copyOf(cli), await copyOf(cli), await copyOf(cli)];
  await cli.run('task', 'add', 'more of the first');
  await cli.run('sync', 'now');

  const first = await byHand.run('sync', 'now');
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining(SAYS) as string]);
  expect(first.stderr).toContain(former);
  await byHand.run('task', 'add', 'of the copy');
  expect((await byHand.run('sync', 'now')).stderr).not.toContain(SAYS);
  expect((await byHand.run('sync', 'status')).stdout).toMatch(/^copied .*\(2\) belong to/m);
  const { stdout } = await byHand.run('sync', 'status');
  expect(stdout).toContain(` ${former}, last seen`);
  const { deviceId } = await byHand.json<{ deviceId: string }>('sync', 'status');
  expect(stdout).toContain(` ${deviceId} (this one), last seen`);
  for (const { id } of (await byHand.json<{ items: { id: string }[] }>('task', 'list')).items) {
    await byHand.run('task', 'hand-over', id, deviceId, '--lost');
  }
  expect((await byHand.run('task', 'show', task.id)).stdout).toContain('of the first');
  expect((await byHand.run('sync', 'status')).stdout).not.toMatch(/^copied/m);

  const told = await forPrograms.run('--json', 'sync', 'now');
  expect([told.code, told.stderr]).toEqual([0, '']);
  expect(JSON.parse(told.stdout)).toMatchObject({ copyOf: former });

  const watch = watching.start('sync', 'watch');
  const ended = once(watch, 'exit');
  let [out, errors] = ['', ''];
  watch.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  watch.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await vi.waitFor(
    () => {
      expect(errors).toContain(SAYS);
    },
    { timeout: 20_000, interval: 20 },
  );
  await watching.run('task', 'add', 'of the watching copy');
  await vi.waitFor(
    () => {
      expect(out.match(/sent /g)?.length).toBeGreaterThan(1);
    },
    { timeout: 20_000, interval: 20 },
  );
  watch.kill('SIGINT');
  await ended;
  expect(errors.split(SAYS)).toHaveLength(2);
});
