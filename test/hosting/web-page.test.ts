import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hub } from '../../src/index.ts';
import { freePort, sqldBinary } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';

const select = { type: 'execute', stmt: { sql: 'select 1' } };
const sql = JSON.stringify({ requests: [select, { type: 'close' }] });

// sqld answers any page in a browser (`Access-Control-Allow-Origin: *`), and takes SQL as text/plain,
// which a page may send without asking first. What keeps a page out is the token alone.
it('a web page in the browser of the user learns nothing from a hub on the loopback', async () => {
  const options = { dir: join(tempFolder(), 'hub'), port: await freePort(), sqld: sqldBinary };
  const running = await hub.start(options);
  onTestFinished(() => running.stop());
  const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, running.url), {
      method,
      headers: { origin: 'https://evil.example', 'content-type': 'text/plain', ...headers },
      ...(method === 'POST' ? { body: sql } : {}),
    });
  for (const [method, path] of [
    ['POST', '/v3/pipeline'],
    ['POST', '/v2/pipeline'],
    ['POST', '/v1/execute'],
    ['POST', '/'],
    ['GET', '/dump'],
    ['GET', '/beta/listen?table=hub_meta'],
  ] as const) {
    const answer = await ask(method, path);
    expect([401, 404], `${method} ${path}`).toContain(answer.status);
    expect(await answer.text()).not.toMatch(/"rows"|create table/i);
  }
  // The same requests are answered where the token is right: it is what was missing.
  const token = readFileSync(running.tokenFile, 'utf8').trim();
  const answer = await ask('POST', '/v3/pipeline', { authorization: `Bearer ${token}` });
  expect(answer.status).toBe(200);
});
