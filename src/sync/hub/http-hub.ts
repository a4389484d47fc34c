import { randomUUID } from 'node:crypto';
import {
  ClosedError,
  HubRefusedError,
  HubTooLargeError,
  HubUnreachableError,
  StoreError,
} from '../../errors.ts';
import { pipelineOf, rowsOf } from './hrana.ts';
import { hubAddress, type HubAddress } from './hub-address.ts';
import { networkFailure } from './hub-failure.ts';
import { request, type TokenSource } from './hub-request.ts';
import type { Hub, HubRow, HubStatement } from './hub.ts';
import { Patience } from './patience.ts';

export interface HttpHubOptions {
  /** `https://…`, `http://…` or `libsql://…`, with a path prefix where the hub has one. */
  readonly url: string;
  readonly token: TokenSource;
  /**
   * How long nothing may come from the hub, in milliseconds; by default 15,000. For the start of the
   * answer to a large request it is longer: see {@link Patience}.
   */
  readonly silenceMs?: number;
}

const SILENCE_MS = 15_000;
/** sqld stops at 10 MB of values; as JSON, and with every character escaped, that is six times as much. */
const ANSWER_BYTES_MAX = 64 << 20;

/**
 * The hub over HTTP, one request a transaction.
 *
 * Why not `@libsql/client`: over HTTP it has no deadline, follows redirects, drops `Retry-After`, and
 * its `batch` raises unhandled rejections when the server rolls a transaction back, which ends the
 * process (libsql-client-ts#126).
 */
export class HttpHub implements Hub {
  readonly #address: HubAddress;
  readonly #token: TokenSource;
  readonly #silenceMs: number;
  readonly #patience: Patience;
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  /** @throws `InvalidInputError` the address cannot be one of a hub */
  constructor(options: HttpHubOptions) {
    this.#address = hubAddress(options.url);
    this.#token = options.token;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
    this.#patience = new Patience(this.#silenceMs);
  }

  async run(statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]> {
    if (this.#closed) throw new ClosedError('the connection to the hub is closed');
    const mark = randomUUID();
    const answer = await this.#exchange(pipelineOf(statements, mode, mark));
    return rowsOf(parse(answer, this.#address.host), statements.length, mark);
  }

  close(): void {
    this.#closed = true;
    for (const controller of this.#underWay) controller.abort(new Error('closed'));
  }

  async #exchange(body: string): Promise<Answer> {
    // Not AbortSignal.timeout: Node 20 may collect it as garbage before it fires.
    const controller = new AbortController();
    const { signal } = controller;
    const giveUp = () => {
      controller.abort(new Error('no answer in time'));
    };
    const start = performance.now();
    let began: number | undefined;
    let got = 0;
    let timer = setTimeout(giveUp, this.#patience.untilAnswer(body.length));
    this.#underWay.add(controller);
    try {
      const init = { method: 'POST', body, signal };
      const response = await request(this.#address, '/v3/pipeline', init, this.#token);
      const since = (began = performance.now());
      this.#patience.answered(body.length, since - start);
      clearTimeout(timer);
      timer = setTimeout(giveUp, this.#silenceMs);
      const text = await readText(response, (bytes) => {
        timer.refresh();
        got = bytes;
        if (performance.now() - since > this.#patience.untilEnd(bytes)) giveUp();
      });
      this.#patience.ended(got, performance.now() - since);
      return { text, html: response.headers.get('content-type')?.includes('html') ?? false };
    } catch (error) {
      if (signal.aborted && began === undefined) this.#patience.unanswered(body.length);
      else if (signal.aborted) this.#patience.broken(got);
      throw error instanceof StoreError ? error : networkFailure(this.#address.host, error);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(controller);
    }
  }
}

interface Answer {
  readonly text: string;
  readonly html: boolean;
}

/**
 * Reads the body, counted as it is unpacked: a small one could unpack to gigabytes.
 *
 * @param onBytes - told how many have come so far
 */
async function readText(response: Response, onBytes: (bytes: number) => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new HubTooLargeError('the answer of the hub is too long');
    chunks.push(chunk);
    onBytes(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse({ text, html }: Answer, host: string): unknown {
  if (html) throw new HubRefusedError(`${host} answered with a web page`);
  try {
    return JSON.parse(text);
  } catch {
    // Cut on the way: the hub may have done what it was asked. The cause would repeat the answer.
    throw new HubUnreachableError(`the answer of ${host} is broken`);
  }
}
