import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/**
 * What becomes of the answers with entries of the log: none found, broken off, gone silent in the
 * middle, or none found for who has nothing yet.
 */
type CopyFault = 'not found' | 'cut' | 'silent' | 'not from the beginning';

export interface CopyingProxy {
  readonly url: string;
  /** How many answers it spoilt. */
  spoilt(): number;
  /** From now on it spoils. */
  spoil(): void;
  /** From now on it lets everything through. */
  calm(): void;
}

// A frame of gRPC is a byte and a length; who has nothing asks with an empty message.
const EMPTY_BYTES = 5;
/** How much of an answer comes through that is broken off. */
const CUT_BYTES = 5000;
const NOT_FOUND = {
  'content-type': 'application/grpc-web+proto',
  'grpc-status': '14',
  'grpc-message': 'snapshot not found',
};

/** Before a hub whose replication it spoils, from the first. */
export async function spoilCopying(target: string, fault: CopyFault): Promise<CopyingProxy> {
  let spoils = true;
  let spoilt = 0;
  const server = createServer((incoming, reply) => {
    void buffer(incoming).then((body) => {
      const asked = fault !== 'not from the beginning' || body.length === EMPTY_BYTES;
      const spoil = spoils && asked && incoming.url?.endsWith('Entries') === true;
      if (spoil) spoilt++;
      if (spoil && fault.startsWith('not')) reply.writeHead(200, NOT_FOUND).end();
      else forward(target, incoming, body, reply, spoil ? fault : undefined);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spoilt: () => spoilt,
    spoil: () => (spoils = true),
    calm: () => (spoils = false),
  };
}

function forward(
  target: string,
  { url = '', method, headers }: IncomingMessage,
  body: Buffer,
  reply: ServerResponse,
  fault: CopyFault | undefined,
): void {
  const answered = (answer: IncomingMessage) => {
    reply.writeHead(answer.statusCode ?? 500, answer.headers);
    if (!fault) {
      answer.pipe(reply);
      return;
    }
    answer.once('data', (chunk: Buffer) => {
      reply.write(chunk.subarray(0, CUT_BYTES), () => {
        if (fault === 'cut') reply.destroy();
      });
    });
  };
  request(new URL(url, target), { method, headers }, answered).end(body);
}
