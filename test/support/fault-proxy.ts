import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** What happens to one request. "Applied" means that the server behind the proxy got all of it. */
export type Fault =
  /** The connection breaks before anything is forwarded. */
  | { readonly kind: 'drop-request' }
  /** Applied; the connection breaks in place of the answer. */
  | { readonly kind: 'drop-reply' }
  /** Applied; the connection breaks after so many bytes of the body. */
  | { readonly kind: 'cut-reply'; readonly bytes: number }
  | { readonly kind: 'delay'; readonly requestMs?: number; readonly replyMs?: number }
  /** Waits for `release()`; the client may be gone by then (a zombie). */
  | { readonly kind: 'hold' }
  /** Applied twice, one after the other; the second answer is the one that is passed on. */
  | { readonly kind: 'duplicate' }
  /** Answered by the proxy itself, redirects included. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** Accepted and never answered. */
  | { readonly kind: 'black-hole' }
  | { readonly kind: 'throttle'; readonly bytesPerS: number }
  | { readonly kind: 'pass' };

export interface FaultProxy {
  readonly url: string;
  /** What the next requests meet, in order; after them comes what `always` says. */
  next(...faults: readonly Fault[]): void;
  always(fault: Fault): void;
  /** From now on all pass: what was planned does not happen any more. */
  calm(): void;
  /** How often each kind happened: a fault that did not proves nothing. */
  readonly happened: Readonly<Record<Fault['kind'], number>>;
  /** Resolves when `kind` has happened so many times since the start. */
  seen(kind: Fault['kind'], count?: number): Promise<void>;
  /** Delivers the requests that are held; resolves when the server has answered all of them. */
  release(): Promise<void>;
  /** Breaks every connection and accepts no more, until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  stop(): Promise<void>;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
  readonly reply: ServerResponse;
}

export interface FaultProxyOptions {
  /** Requests that it does not choose pass and are not counted; by default all are chosen. */
  readonly only?: (request: IncomingMessage) => boolean;
}

/**
 * A proxy between a device and the hub at `target` that does to requests what networks do, ended
 * after the test.
 */
export async function startFaultProxy(
  target: string,
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const proxy = await launchFaultProxy(target, options);
  onTestFinished(() => proxy.stop());
  return proxy;
}

/** Like {@link startFaultProxy}: the caller ends it with `stop`. */
export async function launchFaultProxy(
  target: string,
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const planned: Fault[] = [];
  let otherwise: Fault = { kind: 'pass' };
  const happened = {
    ...{ pass: 0, 'drop-request': 0, 'drop-reply': 0, 'cut-reply': 0, delay: 0, hold: 0 },
    ...{ duplicate: 0, answer: 0, 'black-hole': 0, throttle: 0 },
  };
  const watchers = new Set<() => void>();
  const held: (() => Promise<void>)[] = [];
  const sockets = new Set<Socket>();

  const server = createServer((incoming, reply) => {
    void bodyOf(incoming)
      .then(async (body) => {
        const exchange = { incoming, body, reply };
        if (options.only && !options.only(incoming)) return forward(target, exchange, passOn);
        const fault = planned.shift() ?? otherwise;
        const work = suffer(fault, exchange);
        happened[fault.kind]++;
        for (const watcher of watchers) watcher();
        await work;
      })
      .catch(() => reply.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  });

  async function suffer(fault: Fault, exchange: Exchange): Promise<void> {
    const { reply } = exchange;
    switch (fault.kind) {
      case 'pass':
        return forward(target, exchange, passOn);
      case 'drop-request':
        reply.destroy();
        return;
      case 'drop-reply':
        return forward(target, exchange, (answer) =>
          bodyOf(answer).then(() => void reply.destroy()),
        );
      case 'cut-reply':
        return forward(target, exchange, (answer) => cut(answer, reply, fault.bytes));
      case 'delay':
        await sleep(fault.requestMs ?? 0);
        return forward(target, exchange, async (answer) => {
          await sleep(fault.replyMs ?? 0);
          await passOn(answer, reply);
        });
      case 'hold':
        held.push(() => forward(target, exchange, passOn));
        return;
      case 'duplicate':
        await forward(target, exchange, async (answer) => {
          await bodyOf(answer);
        });
        return forward(target, exchange, passOn);
      case 'answer':
        reply.writeHead(fault.status, { ...fault.headers }).end(fault.body ?? '');
        return;
      case 'black-hole':
        return;
      case 'throttle':
        return forward(target, exchange, (answer) => throttle(answer, reply, fault.bytesPerS));
    }
  }

  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const refuse = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const port = await listen(0);

  return {
    url: `http://127.0.0.1:${port}`,
    next: (...faults) => void planned.push(...faults),
    always: (fault) => {
      otherwise = fault;
    },
    calm: () => {
      planned.length = 0;
      otherwise = { kind: 'pass' };
    },
    happened,
    seen(kind, count = 1) {
      return new Promise((resolve) => {
        const watcher = () => {
          if (happened[kind] < count) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      });
    },
    async release() {
      await Promise.all(held.splice(0).map((deliver) => deliver()));
    },
    refuse,
    async accept() {
      await listen(port);
    },
    stop: refuse,
  };
}

type Answer = (answer: IncomingMessage, reply: ServerResponse) => Promise<void>;

/** Sends the request to the server; resolves when `handle` is done with the answer. */
async function forward(target: string, exchange: Exchange, handle: Answer): Promise<void> {
  const { incoming, body, reply } = exchange;
  const { method, url = '/', headers } = incoming;
  const outgoing = request(new URL(url, target), { method, headers, agent: false });
  // A stream without end (the change feed) ends on the server's side when the client goes.
  reply.on('close', () => {
    if (!reply.writableFinished && reply.headersSent) outgoing.destroy();
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  await handle(answer, reply);
}

async function passOn(answer: IncomingMessage, reply: ServerResponse): Promise<void> {
  begin(answer, reply);
  for await (const chunk of answer) {
    if (!reply.destroyed) reply.write(chunk);
  }
  reply.end();
}

async function cut(answer: IncomingMessage, reply: ServerResponse, bytes: number): Promise<void> {
  const body = await bodyOf(answer);
  begin(answer, reply);
  await new Promise((resolve) => reply.write(body.subarray(0, bytes), resolve));
  reply.destroy();
}

async function throttle(
  answer: IncomingMessage,
  reply: ServerResponse,
  bytesPerS: number,
): Promise<void> {
  const body = await bodyOf(answer);
  begin(answer, reply);
  const slice = Math.max(1, Math.round(bytesPerS / 20));
  for (let at = 0; at < body.length && !reply.destroyed; at += slice) {
    reply.write(body.subarray(at, at + slice));
    await sleep(50);
  }
  reply.end();
}

function begin(answer: IncomingMessage, reply: ServerResponse): void {
  reply.writeHead(answer.statusCode ?? 502, answer.headers);
  reply.flushHeaders();
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
