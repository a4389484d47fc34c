import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openChangeFeed } from '../../src/sync/hub/change-feed.ts';
import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import { ReplicaHub } from '../../src/sync/hub/replica-hub.ts';
import { serviceOf } from '../support/compose-file.ts';
import { setupComposeHub, type ComposeHub } from '../support/compose-hub.ts';
import { debianTool } from '../support/debian-tool.ts';
import { freePort } from '../support/sqld.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** Runs the proxy of a profile as its container does, with Debian's caddy, on another port. */
async function startCaddy(hub: ComposeHub, service: 'caddy' | 'private') {
  const port = await freePort();
  const { CADDYFILE: file = '', HUB_SITE: site = '', ...env } = hub.environment(service);
  const [program = '', ...args] = serviceOf(hub.file, service).entrypoint ?? [];
  const home = tempFolder();
  const child = spawn(program, args, {
    env: {
      ...env,
      PATH: [dirname(await debianTool('caddy')), process.env['PATH']].join(':'),
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CONFIG_HOME: home,
      // The redirect from port 80 would need a privilege.
      CADDYFILE: file.replace('{\n', `{\n  http_port ${await freePort()}\n`),
      HUB_SITE: site === 'http://:8080' ? `http://127.0.0.1:${port}` : `${site}:${port}`,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const stop = async () => {
    child.kill('SIGTERM');
    return ended;
  };
  const check = () => {
    if (child.exitCode !== null) throw new Error(`caddy ended: ${log.join('')}`);
  };
  return { port, home, stop, check };
}

/** https that trusts the authority that Caddy made for itself, and nobody else. */
class Https {
  readonly #port: number;
  readonly #agent: Agent;
  readonly #token: string;

  constructor(port: number, ca: string, token: string) {
    this.#port = port;
    this.#agent = new Agent({ ca });
    this.#token = token;
    onTestFinished(() => {
      this.#agent.destroy();
    });
  }

  async open(path: string, options: RequestOptions = {}, body?: string) {
    const sent = request({
      ...{ host: 'localhost', port: this.#port, path, agent: this.#agent },
      headers: { authorization: `Bearer ${this.#token}` },
      ...options,
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  async text(path: string, options: RequestOptions = {}, body?: string) {
    const response = await this.open(path, options, body);
    const text = (await response.setEncoding('utf8').toArray()).join('');
    return { status: response.statusCode, text };
  }

  query(sql: string) {
    return this.text('/v2/pipeline', { method: 'POST' }, sqlRequest(sql));
  }
}

function sqlRequest(sql: string): string {
  return JSON.stringify({ requests: [{ type: 'execute', stmt: { sql } }, { type: 'close' }] });
}

async function setupTls() {
  const hub = await setupComposeHub();
  await hub.start();
  await hub.untilHealthy();
  const { port, home, stop, check } = await startCaddy(hub, 'caddy');
  const root = join(home, 'caddy', 'pki', 'authorities', 'local', 'root.crt');
  const https = await retry(async () => {
    check();
    const tried = new Https(port, readFileSync(root, 'utf8'), hub.token);
    await tried.text('/health');
    return tried;
  });
  return { hub, https, stop };
}

async function setupPrivate() {
  const hub = await setupComposeHub();
  await hub.start();
  await hub.untilHealthy();
  const { port, check } = await startCaddy(hub, 'private');
  const url = `http://127.0.0.1:${port}`;
  await retry(() => {
    check();
    return fetch(`${url}/health`);
  });
  return { hub, url };
}

/** Repeats what may fail while the proxy starts. */
async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    try {
      return await attempt();
    } catch (error) {
      if (String(error).includes('caddy ended')) throw error;
      await sleep(20);
    }
  }
  return attempt();
}

describe('the proxy with TLS', () => {
  it('passes SQL on, from those with a token', async () => {
    const { https } = await setupTls();
    const { status, text } = await https.query('select 20 + 3');
    expect(status).toBe(200);
    expect(text).toContain('"23"');
    const anonymous = await https.text('/v2/pipeline', { method: 'POST', headers: {} }, '{}');
    expect(anonymous.status).toBe(401);
  });

  it('passes on each change as it comes', async () => {
    const { hub, https } = await setupTls();
    await hub.query('create table hub_entries (a)');
    const feed = await https.open('/beta/listen?table=hub_entries&action=insert&action=update');
    expect(feed.statusCode).toBe(200);
    let seen = '';
    feed.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
    });
    for (const count of [1, 2, 3]) {
      await hub.query(`insert into hub_entries values (${count})`);
      // The feed stays open, so a proxy that gathers would never show it.
      await expect
        .poll(() => seen.match(/^data:/gm)?.length ?? 0, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(count);
    }
    feed.destroy();
  });

  it('ends when Docker asks it to, although a feed is open', async () => {
    const { hub, https, stop } = await setupTls();
    await hub.query('create table hub_entries (a)');
    const feed = await https.open('/beta/listen?table=hub_entries&action=insert');
    feed.on('error', () => undefined);
    expect(await stop()).toEqual([0, null]);
  });

  it('shows nothing else of the hub, and takes no endless requests', async () => {
    const { https } = await setupTls();
    const found: Record<string, number | undefined> = {};
    for (const path of ['/health', '/version', '/dump', '/v1/jobs', '/console', '/metrics', '/']) {
      found[path] = (await https.text(path)).status;
    }
    expect(found).toEqual({
      '/health': 200,
      '/version': 200,
      '/dump': 404,
      '/v1/jobs': 404,
      '/console': 404,
      '/metrics': 404,
      '/': 404,
    });
    const padded = (bytes: number) => `${sqlRequest('select 5')}${' '.repeat(bytes)}`;
    const post = { method: 'POST' };
    expect((await https.text('/v2/pipeline', post, padded(15e6))).status).toBe(200);
    const large = await https.text('/v2/pipeline', post, padded(17e6)).catch(() => null);
    expect(large?.status).not.toBe(200);
  });
});

describe('the proxy for a private network', () => {
  it('passes on what the embedded replica reads', async () => {
    const { hub, url } = await setupPrivate();
    await hub.query('create table t (a)');
    await hub.query("insert into t values ('through the proxy')");
    const path = join(tempFolder(), 'replica.db');
    const replica = new ReplicaHub({ path, url, token: () => hub.token });
    onTestFinished(() => {
      replica.close();
    });
    await replica.sync();
    expect(await replica.run([{ sql: 'select a from t', params: [] }], 'read')).toEqual([
      [['through the proxy']],
    ]);
  });

  it('passes on the feed of changes as devices listen to it', async () => {
    const { hub, url } = await setupPrivate();
    await hub.query('create table hub_entries (a)');
    const ending = new AbortController();
    let changes = 0;
    const feed = await openChangeFeed({
      url,
      token: () => hub.token,
      onChange: () => changes++,
      signal: ending.signal,
    });
    await hub.query('insert into hub_entries values (1)');
    await expect.poll(() => changes, { timeout: 20_000 }).toBeGreaterThan(0);
    ending.abort();
    expect(await feed.ended).toBeUndefined();
  });

  it('lets two devices find what the other wrote', async () => {
    const { hub, url } = await setupPrivate();
    const reach = () => new HttpHub({ url, token: () => hub.token });
    const [a, b] = [await syncDevice('a', reach()), await syncDevice('b', reach())];
    const { id } = await a.store.sessions.create({ title: 'through the proxy', workspace: '/w' });
    await a.sync();
    await b.sync();
    expect(await b.store.sessions.get(id)).toMatchObject({ title: 'through the proxy' });
    await b.store.sessions.rename(id, 'and back');
    await b.sync();
    await a.sync();
    expect(await a.store.sessions.get(id)).toMatchObject({ title: 'and back' });
  });
});
