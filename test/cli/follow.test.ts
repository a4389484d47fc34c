import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { openStore, type RuntimeEvent, type Store } from '../../src/index.ts';
import { setupCli, type Cli } from './run-cli.ts';

/** The program, a store that another process (this one) writes to, and a thread with one event. */
async function setupThread(): Promise<{ cli: Cli; store: Store; thread: string }> {
  const cli = await setupCli();
  const store = await openStore({ path: cli.db });
  const { id: thread } = await store.runtime.createThread({ workspace: '/w' });
  await store.events.append(thread, [{ type: 'first' }]);
  return { cli, store, thread };
}

describe('event list', () => {
  it('gives the events after a number, or the last ones', async () => {
    const { cli, store, thread } = await setupThread();
    await store.events.append(thread, [{ type: 'second' }, { type: 'third', payload: { n: 1 } }]);
    await store.close();
    const types = async (...args: string[]) => {
      const page = await cli.json<{ items: RuntimeEvent[]; nextSeq: number }>(
        'event',
        'list',
        thread,
        ...args,
      );
      return [page.nextSeq, ...page.items.map((event) => event.type)];
    };
    expect(await types()).toEqual([3, 'first', 'second', 'third']);
    expect(await types('--since-seq', '1', '--limit', '1')).toEqual([2, 'second']);
    expect(await types('--tail', '1')).toEqual([3, 'third']);
    expect(await types('--tail', '0')).toEqual([3]);
    expect((await cli.run('event', 'list', thread, '--tail', '1', '--since-seq', '1')).code).toBe(
      2,
    );
  });

  it('follows what another process appends, one line of JSON each, until it is interrupted', async () => {
    const { cli, store, thread } = await setupThread();
    const child = cli.start('event', 'list', thread, '--follow');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value as string) as RuntimeEvent;
    expect(await next()).toMatchObject({ seq: 1, type: 'first' });
    await store.events.append(thread, [{ type: 'second' }]);
    expect(await next()).toMatchObject({ seq: 2, type: 'second' });
    await store.events.append(thread, [{ type: 'third', payload: 'two\nlines' }]);
    expect(await next()).toMatchObject({ seq: 3, payload: 'two\nlines' });
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    await store.close();
  });

  it('ends by itself when the limit is reached', async () => {
    const { cli, store, thread } = await setupThread();
    await store.events.append(thread, [{ type: 'second' }, { type: 'third' }]);
    for (const from of [
      ['--tail', '2'],
      ['--since-seq', '1'],
    ]) {
      const list = ['event', 'list', thread, '--follow', '--limit', '2', ...from];
      const { code, stdout } = await cli.run(...list);
      expect(code).toBe(0);
      const events = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as RuntimeEvent);
      expect(events.map((event) => event.type)).toEqual(['second', 'third']);
    }
    await store.close();
  });
});
