import { describe, expect, it, onTestFinished } from 'vitest';
import { HubAccessError, HubRefusedError, HubUnreachableError } from '../../../src/errors.ts';
import { openChangeFeed, type ChangeFeedOptions } from '../../../src/sync/hub/change-feed.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { makeHubKey } from '../../support/hub-token.ts';
import { startSqld } from '../../support/sqld.ts';

/** A hub that wants a token, and a feed of its changes. */
async function setup() {
  const key = await makeHubKey();
  const sqld = await startSqld({ jwtKey: key.publicKey });
  const token = await key.token();
  const hub = new HttpHub({ url: sqld.url, token: () => token });
  await hub.run([{ sql: 'create table hub_entries (a integer)', params: [] }], 'write');
  return {
    sqld,
    write: (sql: string) => hub.run([{ sql, params: [] }], 'write'),
    open: (options: Partial<ChangeFeedOptions> = {}) =>
      listen({ url: sqld.url, token: () => token, ...options }),
  };
}

async function listen(options: Pick<ChangeFeedOptions, 'url' | 'token'>) {
  const controller = new AbortController();
  onTestFinished(() => {
    controller.abort();
  });
  let changes = 0;
  let heard: () => void = () => undefined;
  const onChange = () => {
    changes++;
    heard();
  };
  const feed = await openChangeFeed({ onChange, signal: controller.signal, ...options });
  return {
    ended: feed.ended,
    changes: () => changes,
    close: () => {
      controller.abort();
    },
    next: () => new Promise<void>((resolve) => (heard = resolve)),
  };
}

describe('openChangeFeed', () => {
  it('tells of entries that are added and replaced', async () => {
    const { write, open } = await setup();
    const feed = await open();
    for (const sql of ['insert into hub_entries values (1), (2)', 'update hub_entries set a = 3']) {
      const heard = feed.next();
      await write(sql);
      await heard;
    }
    expect(feed.changes()).toBe(2);
  });

  it('tells of each commit, however close together they come', async () => {
    const event = 'event:changes\ndata:{"insert":1}\n\n';
    const proxy = await startFaultProxy('http://127.0.0.1:9');
    const headers = { 'content-type': 'text/event-stream' };
    proxy.always({ kind: 'answer', status: 200, headers, body: event.repeat(3) });
    const feed = await listen({ url: proxy.url, token: () => undefined });
    expect(await feed.ended).toBeInstanceOf(HubUnreachableError);
    expect(feed.changes()).toBe(3);
  });

  it('ends with an error when the hub has lost a change', async () => {
    const lost = 'event:error\ndata:some changes were lost\n\n';
    const body = `event:changes\ndata:{"insert":1}\n\n${lost}event:changes\ndata:{"insert":1}\n\n`;
    const proxy = await startFaultProxy('http://127.0.0.1:9');
    const headers = { 'content-type': 'text/event-stream' };
    proxy.always({ kind: 'answer', status: 200, headers, body });
    const feed = await listen({ url: proxy.url, token: () => undefined });
    const error = await feed.ended;
    expect(error?.message).toContain('lost some changes');
    expect(feed.changes()).toBe(1);
  });

  it('tells of a commit of many rows once', async () => {
    const { write, open } = await setup();
    const feed = await open();
    const heard = feed.next();
    const numbers = Array.from({ length: 5000 }, (_, n) => `(${n})`).join(', ');
    await write(`insert into hub_entries values ${numbers}`);
    await heard;
    const next = feed.next();
    await write('update hub_entries set a = 1');
    await next;
    expect(feed.changes()).toBe(2);
  });

  it('ends without an error when its signal says so', async () => {
    const { open } = await setup();
    const feed = await open();
    feed.close();
    expect(await feed.ended).toBeUndefined();
  });

  it('ends with an error when the hub goes', async () => {
    const { sqld, open } = await setup();
    const feed = await open();
    await sqld.kill();
    expect(await feed.ended).toBeInstanceOf(HubUnreachableError);
    await expect(open()).rejects.toThrow(HubUnreachableError);
  });

  it('ends with an error when the hub stays silent for too long', async () => {
    const { open } = await setup();
    const feed = await open({ silenceMs: 300 });
    expect(await feed.ended).toBeInstanceOf(HubUnreachableError);
  });

  it('gives up on a hub that does not answer', async () => {
    const { sqld, open } = await setup();
    const proxy = await startFaultProxy(sqld.url);
    proxy.next({ kind: 'black-hole' });
    await expect(open({ url: proxy.url, silenceMs: 300 })).rejects.toThrow(HubUnreachableError);
    expect(proxy.happened['black-hole']).toBe(1);
  });

  it('needs the token', async () => {
    const { open } = await setup();
    await expect(open({ token: () => undefined })).rejects.toThrow(HubAccessError);
    await expect(open({ token: () => 'wrong' })).rejects.toThrow(HubAccessError);
  });

  it('is refused where a web page answers', async () => {
    const proxy = await startFaultProxy('http://127.0.0.1:9');
    const headers = { 'content-type': 'text/html' };
    proxy.always({ kind: 'answer', status: 200, headers, body: '<html>' });
    const feed = listen({ url: proxy.url, token: () => undefined });
    await expect(feed).rejects.toThrow(HubRefusedError);
  });

  it('takes a hub that talks in pieces', async () => {
    const body = ':keep-alive\n\nevent:changes\ndata:{"insert":1}\n\n:keep-alive\n\n';
    const headers = { 'content-type': 'text/event-stream', 'content-length': String(body.length) };
    const source = await startFaultProxy('http://127.0.0.1:9');
    source.always({ kind: 'answer', status: 200, headers, body });
    const proxy = await startFaultProxy(source.url);
    proxy.always({ kind: 'throttle', bytesPerS: 60 });
    const feed = await listen({ url: proxy.url, token: () => undefined });
    expect(await feed.ended).toBeInstanceOf(HubUnreachableError);
    expect(feed.changes()).toBe(1);
  });
});
