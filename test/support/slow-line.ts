import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export interface SlowLine {
  readonly url: string;
  /** Bytes that came through so far, to the server and from it. */
  readonly passed: Readonly<Record<Way, number>>;
  /** From now on nothing comes through any more, and nobody is told. */
  fallSilent(): void;
}

export interface SlowLineOptions {
  /** After so many bytes one way a connection falls silent; others go on. */
  readonly bearsBytes?: number;
}

type Way = 'up' | 'down';

/** As much as is let through at once. */
const SLICE_BYTES = 1024;
/** How far it makes up for a busy machine. */
const LATE_MS = 200;

/**
 * A line to the server at `target` that loses nothing and is slow: so many bytes a second each way for
 * all connections together, ended after the test. What is on its way waits in the buffers of the
 * system: who sends a megabyte is rid of it at once, as on a real line.
 */
export async function startSlowLine(
  target: string,
  bytesPerS: number,
  options: SlowLineOptions = {},
): Promise<SlowLine> {
  const { bearsBytes = Infinity } = options;
  const { hostname, port } = new URL(target);
  const passed = { up: 0, down: 0 };
  const freeAt = { up: 0, down: 0 };
  const sockets = new Set<Socket>();
  let silent = false;

  const pump = async (from: Socket, to: Socket, way: Way) => {
    let borne = 0;
    for await (const bytes of from as AsyncIterable<Buffer>) {
      for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
        const slice = bytes.subarray(start, start + SLICE_BYTES);
        freeAt[way] = Math.max(Date.now() - LATE_MS, freeAt[way]);
        freeAt[way] += (1000 * slice.length) / bytesPerS;
        await sleep(freeAt[way] - Date.now());
        borne += slice.length;
        if (silent || borne > bearsBytes) await new Promise(() => undefined);
        if (to.destroyed) return;
        passed[way] += slice.length;
        to.write(slice);
      }
    }
    to.end();
  };

  const server = createServer((client) => {
    const hub = connect(Number(port), hostname);
    for (const socket of [client, hub]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    client.on('close', () => hub.destroy());
    hub.on('close', () => client.destroy());
    pump(client, hub, 'up').catch(() => client.destroy());
    pump(hub, client, 'down').catch(() => hub.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    fallSilent: () => {
      silent = true;
    },
  };
}
