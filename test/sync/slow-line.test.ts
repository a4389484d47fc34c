import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import { startSlowLine, type SlowLineOptions } from '../support/slow-line.ts';
import { startSqld } from '../support/sqld.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';

const BYTES_PER_S = 50_000;
/** What goes over the line takes some seconds, and its largest piece longer than this. */
const SILENCE_MS = 2000;

/** A device at the end of a slow line, and one beside the hub. */
async function setup(bytesPerS: number, options: SlowLineOptions = {}) {
  const sqld = await startSqld();
  const line = await startSlowLine(sqld.url, bytesPerS, options);
  const reach = (url: string, silenceMs?: number) => {
    const hub = new HttpHub({ url, token: () => undefined, ...(silenceMs && { silenceMs }) });
    onTestFinished(() => {
      hub.close();
    });
    return hub;
  };
  const near = await syncDevice('near', reach(sqld.url));
  const far = await syncDevice('far', reach(line.url, SILENCE_MS));
  await near.sync();
  await far.sync();
  return { near, far };
}

/** A conversation of so many messages, each of so many bytes that do not compress. */
async function talk({ store }: SyncDevice, messages: number, bytes: number): Promise<string> {
  const { id } = await store.sessions.create({ title: 'long', workspace: '/w' });
  for (let i = 0; i < messages; i++) {
    const content = randomBytes((bytes * 3) / 4).toString('base64');
    await store.sessions.appendMessages(id, [{ role: 'user', content }]);
  }
  return id;
}

/** Exchanges until one is whole. @returns how many failed on the way */
async function insist(device: SyncDevice): Promise<number> {
  for (let failures = 0; ; failures++) {
    try {
      await device.sync();
      return failures;
    } catch (error) {
      expect(error).toMatchObject({ code: 'HUB_UNREACHABLE' });
      expect(failures).toBeLessThan(10);
    }
  }
}

const MESSAGES = [
  ['many small messages', 40, 6000, BYTES_PER_S],
  ['a message in pieces', 1, 1_200_000, 300_000],
] as const;

it.each(MESSAGES)(
  '%s go up a slow line, at the first go',
  async (_, messages, bytes, bytesPerS) => {
    const { near, far } = await setup(bytesPerS);
    const id = await talk(far, messages, bytes);
    await far.sync();
    await near.sync();
    expect(await near.store.sessions.get(id)).toMatchObject({ messageCount: messages });
  },
);

it.each(MESSAGES)('%s come down one', async (_, messages, bytes, bytesPerS) => {
  const { near, far } = await setup(bytesPerS);
  const id = await talk(near, messages, bytes);
  await near.sync();
  await far.sync();
  expect(await far.store.sessions.get(id)).toMatchObject({ messageCount: messages });
});

it('what is too much for a line goes up in less, in the end all of it', async () => {
  const { near, far } = await setup(1_000_000, { bearsBytes: 250_000 });
  const id = await talk(far, 80, 5000);
  expect(await insist(far)).toBeGreaterThan(0);
  await near.sync();
  expect(await near.store.sessions.get(id)).toMatchObject({ messageCount: 80 });
});

it('what is too much for a line comes down in less, in the end all of it', async () => {
  const { near, far } = await setup(1_000_000, { bearsBytes: 150_000 });
  const id = await talk(near, 80, 5000);
  await near.sync();
  expect(await insist(far)).toBeGreaterThan(0);
  expect(await far.store.sessions.get(id)).toMatchObject({ messageCount: 80 });
});
