import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** Of the answers with entries of the log: none found, broken off, or none to who has nothing yet. */
type CopyFault = 'not found' | 'cut' | 'not from the beginning';

export interface CopyingProxy {
  readonly url: string;
  /** How many answers it spoilt. */
  spoilt(): number;
  /** From now on it spoils. */
  spoil(): void;
  /** From now on it lets everything through. */
  calm(): void;
}

/**
 * Before a hub whose replication it spoils, from the first: in a thread of its own, because
 * `ReplicaHub.sync` blocks the one that asks.
 */
export async function spoilCopying(target: string, fault: CopyFault): Promise<CopyingProxy> {
  /** Whether it spoils, and how often it did. */
  const state = new Int32Array(new SharedArrayBuffer(8));
  state[0] = 1;
  const worker = new Worker(source, { eval: true, workerData: { target, fault, state } });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [port] = (await once(worker, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}`,
    spoilt: () => Atomics.load(state, 1),
    spoil: () => Atomics.store(state, 0, 1),
    calm: () => Atomics.store(state, 0, 0),
  };
}

const source = `
  const http = require('node:http');
  const { workerData: { target, fault, state }, parentPort } = require('node:worker_threads');
  const headers = {
    'content-type': 'application/grpc-web+proto', 'grpc-status': '14', 'grpc-message': 'snapshot not found',
  };
  // A frame of gRPC is a byte and a length; who has nothing asks with an empty message.
  const EMPTY_BYTES = 5;
  const server = http.createServer(async (incoming, reply) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const asked = fault !== 'not from the beginning' || body.length === EMPTY_BYTES;
    const spoil = /Entries$/.test(incoming.url) && asked && Atomics.load(state, 0) === 1;
    if (spoil) Atomics.add(state, 1, 1);
    if (spoil && fault !== 'cut') return reply.writeHead(200, headers).end();
    const { method, headers: sent } = incoming;
    http.request(new URL(incoming.url, target), { method, headers: sent }, (answer) => {
      reply.writeHead(answer.statusCode, answer.headers);
      if (!spoil) return answer.pipe(reply);
      answer.once('data', (chunk) => reply.write(chunk.subarray(0, 5000), () => reply.destroy()));
    }).end(body);
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
