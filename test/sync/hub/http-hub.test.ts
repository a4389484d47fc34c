import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  HubAccessError,
  HubBusyError,
  HubRefusedError,
  HubTooLargeError,
  HubUnreachableError,
} from '../../../src/errors.ts';
import { HttpHub, type HttpHubOptions } from '../../../src/sync/hub/http-hub.ts';
import { startFaultProxy, type Fault } from '../../support/fault-proxy.ts';
import { makeHubKey } from '../../support/hub-token.ts';
import { startSqld } from '../../support/sqld.ts';

const one = [{ sql: 'select 1', params: [] }];

function httpHub(url: string, options: Partial<HttpHubOptions> = {}): HttpHub {
  const hub = new HttpHub({ url, token: () => undefined, ...options });
  onTestFinished(() => {
    hub.close();
  });
  return hub;
}

/** A real hub behind a proxy, with a table `t (a integer primary key)`. */
async function setup(options: Partial<HttpHubOptions> = {}) {
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url);
  const direct = httpHub(sqld.url);
  await direct.run([{ sql: 'create table t (a integer primary key)', params: [] }], 'write');
  return {
    sqld,
    proxy,
    hub: httpHub(proxy.url, options),
    insert: (a: number) => [{ sql: 'insert into t values (?1)', params: [a] }],
    stored: async () => (await direct.run([{ sql: 'select a from t', params: [] }], 'read'))[0],
  };
}

/** Hub and proxy of a test that needs no answer of a real hub. */
async function answering(answer: Omit<Extract<Fault, { kind: 'answer' }>, 'kind'>) {
  const proxy = await startFaultProxy('http://127.0.0.1:9');
  proxy.always({ kind: 'answer', ...answer });
  return httpHub(proxy.url);
}

describe('an answer that is not one of the hub', () => {
  it.each([
    [400, HubRefusedError],
    [401, HubAccessError],
    [403, HubAccessError],
    [404, HubRefusedError],
    [408, HubUnreachableError],
    [413, HubTooLargeError],
    [429, HubBusyError],
    [500, HubUnreachableError],
    [502, HubUnreachableError],
    [503, HubBusyError],
    [504, HubUnreachableError],
    [204, HubRefusedError],
  ])('with status %i is told as what it means', async (status, kind) => {
    const hub = await answering({ status });
    await expect(hub.run(one, 'read')).rejects.toThrow(kind);
  });

  it.each([301, 302, 307, 308])('that redirects (%i) is refused, not followed', async (status) => {
    const { proxy, hub, sqld } = await setup();
    proxy.always({ kind: 'answer', status, headers: { location: `${sqld.url}/v3/pipeline` } });
    await expect(hub.run(one, 'read')).rejects.toThrow(HubRefusedError);
    expect(proxy.happened.answer).toBe(1);
  });

  it('that is a web page with status 200 is refused', async () => {
    const headers = { 'content-type': 'text/html; charset=utf-8' };
    const hub = await answering({ status: 200, headers, body: '<html>Log in to the hotel</html>' });
    await expect(hub.run(one, 'read')).rejects.toThrow(HubRefusedError);
  });

  it.each(['{}', '{"results":[]}', '[]', 'null', '{"results":[{"type":"ok","response":{}}]}'])(
    'that is other JSON (%s) is refused',
    async (body) => {
      const hub = await answering({ status: 200, body });
      await expect(hub.run(one, 'read')).rejects.toThrow(HubRefusedError);
    },
  );

  it.each(['', '{"results":[{"type":"o', 'no JSON'])(
    'that is broken JSON (%j) may hide that the statements were applied',
    async (body) => {
      const hub = await answering({ status: 200, body });
      await expect(hub.run(one, 'read')).rejects.toThrow(HubUnreachableError);
    },
  );

  it.each([
    ['an unknown kind', { type: 'date', value: '1' }],
    ['no value', { type: 'text' }],
    ['an integer past 2^53', { type: 'integer', value: '9007199254740992' }],
    ['an integer that is none', { type: 'integer', value: 'x' }],
  ])('with a value of %s is refused', async (_, value) => {
    const rows = { rows: [[value]] };
    const hub = await answeringMarked(
      batchAnswer([{ rows: [] }, rows, { rows: [] }], [null, null, null]),
    );
    await expect(hub.run(one, 'read')).rejects.toThrow(HubRefusedError);
  });

  it('that unpacks to more than any hub sends is cut off', async () => {
    const hub = await answering({
      status: 200,
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(65 << 20, ' ')),
    });
    await expect(hub.run(one, 'read')).rejects.toThrow(HubTooLargeError);
  });

  it('that does not say that it committed is refused', async () => {
    const done = { rows: [] };
    const hub = await answeringMarked(
      batchAnswer([done, done, null, done], [null, null, null, null]),
    );
    await expect(hub.run(one, 'write')).rejects.toThrow(HubRefusedError);
  });

  it.each([
    ['its rows', [{ rows: [] }, { rows: [[{ type: 'integer', value: '1' }]] }, { rows: [] }], null],
    ['its error', [null, null, null], { message: 'why', code: 'SQLITE_CONSTRAINT' }],
  ])(
    'that was one to another request (%s) may hide what became of ours',
    async (_, rows, error) => {
      const body = JSON.stringify(batchAnswer(rows, [error, null, null]));
      const hub = await answering({ status: 200, body });
      await expect(hub.run(one, 'write')).rejects.toThrow(HubUnreachableError);
    },
  );
});

/** What a hub says whose answers repeat the mark `mark`, see {@link answeringMarked}. */
const batchAnswer = (results: unknown[], errors: unknown[]) => ({
  results: [
    {
      type: 'ok',
      response: {
        type: 'batch',
        result: {
          step_results: [{ rows: [[{ type: 'text', value: 'mark' }]] }, ...results],
          step_errors: [null, ...errors],
        },
      },
    },
    { type: 'ok', response: { type: 'close' } },
  ],
});

/** A hub that answers so to whatever it is asked, with the mark of the request. */
async function answeringMarked(answer: unknown) {
  const server = createServer((incoming, reply) => {
    void text(incoming).then((body) => {
      const mark = /"value":"([-0-9a-f]{36})"/.exec(body)?.[1] ?? 'none';
      reply.end(JSON.stringify(answer).replace('"mark"', `"${mark}"`));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return httpHub(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe('a hub that asks to wait', () => {
  const inTwoMinutes = () => new Date(Date.now() + 120_000).toUTCString();
  it.each([
    ['seconds', () => '7', 7000, 7000],
    ['a date', inTwoMinutes, 100_000, 120_000],
    ['a date that is past', () => 'Wed, 21 Oct 2015 07:28:00 GMT', 0, 0],
  ])('says how long in %s', async (_, retryAfter, least, most) => {
    const hub = await answering({ status: 429, headers: { 'retry-after': retryAfter() } });
    const error = await hub.run(one, 'read').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HubBusyError);
    expect((error as HubBusyError).retryAfterMs).toBeGreaterThanOrEqual(least);
    expect((error as HubBusyError).retryAfterMs).toBeLessThanOrEqual(most);
  });

  it.each([[{}], [{ 'retry-after': 'soon' }]])('may not say how long (%j)', async (headers) => {
    const hub = await answering({ status: 503, headers });
    await expect(hub.run(one, 'read')).rejects.toMatchObject({
      code: 'HUB_BUSY',
      retryAfterMs: undefined,
    });
  });
});

describe('a failed statement', () => {
  const kinds: [string, new (message: string) => Error][] = [
    ['SQLITE_BUSY', HubBusyError],
    ['SQLITE_FULL', HubBusyError],
    ['SQLITE_IOERR_WRITE', HubBusyError],
    ['TRANSACTION_TIMEOUT', HubBusyError],
    ['STREAM_EXPIRED', HubBusyError],
    ['BLOCKED', HubBusyError],
    ['RESPONSE_TOO_LARGE', HubTooLargeError],
    ['SQLITE_TOOBIG', HubTooLargeError],
    ['SQLITE_CONSTRAINT_UNIQUE', HubRefusedError],
    ['SQLITE_CORRUPT', HubRefusedError],
    ['ANYTHING_ELSE', HubRefusedError],
  ];

  it.each(kinds)('with the code %s is told as what it means', async (code, kind) => {
    const step = { message: 'why', code };
    const inBatch = await answeringMarked(
      batchAnswer([{ rows: [] }, null, null, null], [null, step, null, null]),
    );
    await expect(inBatch.run(one, 'write')).rejects.toThrow(kind);

    const whole = { results: [{ type: 'error', error: step }, { type: 'ok' }] };
    const ofBatch = await answering({ status: 200, body: JSON.stringify(whole) });
    await expect(ofBatch.run(one, 'write')).rejects.toThrow(kind);
  });

  it.each([
    ['string or blob too big', HubTooLargeError],
    ['parameter ?2 has no value', HubRefusedError],
  ])('with wrong arguments (%s) is too large only where that is why', async (message, kind) => {
    const error = { message, code: 'ARGS_INVALID' };
    const hub = await answeringMarked(batchAnswer([{ rows: [] }, null], [null, error]));
    await expect(hub.run(one, 'write')).rejects.toThrow(kind);
  });
});

describe('a broken connection', () => {
  it('is unreachable where nothing listens', async () => {
    const { proxy, hub } = await setup();
    await proxy.refuse();
    await expect(hub.run(one, 'read')).rejects.toThrow(/ECONNREFUSED/);
    await expect(hub.run(one, 'read')).rejects.toThrow(HubUnreachableError);

    await proxy.accept();
    expect(await hub.run(one, 'read')).toEqual([[[1]]]);
  });

  it('before the request arrived leaves the hub as it was', async () => {
    const { proxy, hub, insert, stored } = await setup();
    proxy.next({ kind: 'drop-request' });
    await expect(hub.run(insert(1), 'write')).rejects.toThrow(HubUnreachableError);
    expect(proxy.happened['drop-request']).toBe(1);
    expect(await stored()).toEqual([]);
  });

  it.each<Fault>([
    { kind: 'drop-reply' },
    { kind: 'cut-reply', bytes: 0 },
    { kind: 'cut-reply', bytes: 100 },
  ])(
    'after it arrived ($kind) is unreachable too, and the statements were applied',
    async (fault) => {
      const { proxy, hub, insert, stored } = await setup();
      proxy.next(fault);
      await expect(hub.run(insert(1), 'write')).rejects.toThrow(HubUnreachableError);
      expect(proxy.happened[fault.kind]).toBe(1);
      expect(await stored()).toEqual([[1]]);
    },
  );

  it('ends at the deadline where nobody answers', async () => {
    const { proxy, hub } = await setup({ silenceMs: 300 });
    proxy.next({ kind: 'black-hole' });
    await expect(hub.run(one, 'read')).rejects.toThrow(HubUnreachableError);
    expect(proxy.happened['black-hole']).toBe(1);
    expect(await hub.run(one, 'read')).toEqual([[[1]]]);
  });

  it('ends at the deadline where the answer trickles in', async () => {
    const { proxy, hub } = await setup({ silenceMs: 1500 });
    proxy.next({ kind: 'throttle', bytesPerS: 20 });
    await expect(hub.run(one, 'read')).rejects.toThrow(HubUnreachableError);
    expect(proxy.happened.throttle).toBe(1);
  });

  it('lets a request be applied after its deadline', async () => {
    const { proxy, hub, insert, stored } = await setup({ silenceMs: 300 });
    proxy.next({ kind: 'hold' });
    await expect(hub.run(insert(1), 'write')).rejects.toThrow(HubUnreachableError);
    expect(await stored()).toEqual([]);

    await proxy.release();
    expect(await stored()).toEqual([[1]]);
  });

  it('may repeat a request', async () => {
    const { proxy, hub, insert, stored } = await setup();
    proxy.next({ kind: 'duplicate' });
    await expect(hub.run(insert(1), 'write')).rejects.toThrow(HubRefusedError);
    expect(proxy.happened.duplicate).toBe(1);
    expect(await stored()).toEqual([[1]]);
  });

  it('may only be slow', async () => {
    const { proxy, hub } = await setup();
    proxy.next({ kind: 'delay', requestMs: 20, replyMs: 20 });
    expect(await hub.run(one, 'read')).toEqual([[[1]]]);
    expect(proxy.happened.delay).toBe(1);
  });

  it('is gone again after a restart of the hub', async () => {
    const { sqld, hub, insert, stored } = await setup();
    await hub.run(insert(1), 'write');
    await sqld.kill();
    await expect(hub.run(insert(2), 'write')).rejects.toMatchObject({ retryable: true });
    await sqld.restart();
    await hub.run(insert(3), 'write');
    expect(await stored()).toEqual([[1], [3]]);
  });
});

it('asks for answers that are not compressed', async () => {
  const sqld = await startSqld();
  const asked: unknown[] = [];
  const proxy = await startFaultProxy(sqld.url, {
    only: ({ headers }) => asked.push(headers['accept-encoding']) > 0,
  });
  expect(await httpHub(proxy.url).run(one, 'read')).toEqual([[[1]]]);
  expect(asked).toEqual(['identity']);
});

describe('close', () => {
  it('ends a request that is under way', async () => {
    const { proxy, hub } = await setup();
    proxy.next({ kind: 'black-hole' });
    const running = hub.run(one, 'read');
    const ended = expect(running).rejects.toThrow(HubUnreachableError);
    await proxy.seen('black-hole');
    hub.close();
    await ended;
    await expect(hub.run(one, 'read')).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('the token', () => {
  async function guarded() {
    const [key, other] = [await makeHubKey(), await makeHubKey()];
    const sqld = await startSqld({ jwtKey: key.publicKey });
    return { key, other, url: sqld.url };
  }

  it('lets in whoever has a right one, and no one else', async () => {
    const { key, other, url } = await guarded();
    const [right, wrong] = [await key.token(), await other.token()];
    const expired = await key.token({ expiresInS: -3600 });

    expect(await httpHub(url, { token: () => right }).run(one, 'write')).toEqual([[[1]]]);
    for (const token of [wrong, expired, undefined]) {
      const refused = httpHub(url, { token: () => token }).run(one, 'read');
      await expect(refused).rejects.toThrow(HubAccessError);
    }
  });

  it('may be one for reading only', async () => {
    const { key, url } = await guarded();
    const token = await key.token({ readOnly: true });
    const hub = httpHub(url, { token: () => token });
    expect(await hub.run(one, 'read')).toEqual([[[1]]]);
    const table = [{ sql: 'create table t (a)', params: [] }];
    await expect(hub.run(table, 'write')).rejects.toThrow(HubAccessError);
  });

  it('is read again after a 401, and the request sent again where it changed', async () => {
    const { key, other, url } = await guarded();
    const tokens = [await other.token(), await key.token()];
    let reads = 0;
    const hub = httpHub(url, { token: () => Promise.resolve(tokens[Math.min(reads++, 1)]) });
    expect(await hub.run(one, 'read')).toEqual([[[1]]]);
    expect(reads).toBe(2);

    expect(await hub.run(one, 'read')).toEqual([[[1]]]);
    expect(reads).toBe(3);
  });

  it('is not tried twice, nor a third one', async () => {
    const proxy = await startFaultProxy('http://127.0.0.1:9');
    proxy.always({ kind: 'answer', status: 401 });
    await expect(httpHub(proxy.url, { token: () => 'same' }).run(one, 'read')).rejects.toThrow(
      HubAccessError,
    );
    expect(proxy.happened.answer).toBe(1);

    let reads = 0;
    const hub = httpHub(proxy.url, { token: () => `token-${reads++}` });
    await expect(hub.run(one, 'read')).rejects.toThrow(HubAccessError);
    expect(proxy.happened.answer).toBe(3);
  });

  it.each(['secret\nline', 'secrét', ''])('is refused before it is sent (%j)', async (token) => {
    const hub = httpHub('http://127.0.0.1:9', { token: () => token });
    const error = await hub.run(one, 'read').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HubAccessError);
    expect(String((error as Error).stack)).not.toMatch(/secr.t/);
  });

  it('appears in no error', async () => {
    const { proxy } = await setup();
    const hub = httpHub(proxy.url, { token: () => 'top-secret', silenceMs: 300 });
    const faults: Fault[] = [
      { kind: 'drop-request' },
      { kind: 'black-hole' },
      { kind: 'answer', status: 401 },
      { kind: 'answer', status: 404 },
    ];
    for (const fault of faults) {
      proxy.next(fault);
      const error = await hub.run(one, 'read').catch((e: unknown) => e as Error);
      for (let e: unknown = error; e instanceof Error; e = e.cause) {
        expect(`${e.message} ${e.stack ?? ''} ${JSON.stringify(e)}`).not.toContain('top-secret');
      }
    }
  });
});

it('leaves no rejection unhandled when the hub rolls a transaction back', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => {
    process.off('unhandledRejection', note);
  });
  const { sqld, hub, insert } = await setup({ silenceMs: 300 });
  // A transaction that someone else leaves open: the write has to wait for longer than it may.
  const begin = { requests: [{ type: 'execute', stmt: { sql: 'begin immediate' } }] };
  await fetch(`${sqld.url}/v3/pipeline`, { method: 'POST', body: JSON.stringify(begin) });
  const writes = [1, 2, 3].map((a) => hub.run(insert(a), 'write'));
  for (const result of await Promise.allSettled(writes)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { retryable: true } });
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});
