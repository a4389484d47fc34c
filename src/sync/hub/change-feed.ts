import { HubRefusedError, HubUnreachableError, StoreError } from '../../errors.ts';
import { hubAddress } from './hub-address.ts';
import { networkFailure } from './hub-failure.ts';
import { request, type TokenSource } from './hub-request.ts';

export interface ChangeFeedOptions {
  readonly url: string;
  readonly token: TokenSource;
  /** Called for each commit that added or replaced entries on the hub, by this device too, in their order. */
  readonly onChange: () => void;
  /** Ends the feed; until then it keeps the process alive. */
  readonly signal: AbortSignal;
  /** How long the hub may stay silent, in milliseconds; it sends a sign of life every 15 seconds. */
  readonly silenceMs?: number;
}

export interface ChangeFeed {
  /**
   * Resolves, and never rejects, when the feed is over: with why, or with undefined where `signal`
   * ended it. What changed from then on is not reported: pull, and open another.
   */
  readonly ended: Promise<StoreError | undefined>;
}

const SILENCE_MS = 45_000;
const PATH = '/beta/listen?table=hub_entries&action=insert&action=update';

/**
 * Listens to the hub's own feed of changes; resolves once every later change is reported. It carries
 * no content, only the news that there is some.
 *
 * @throws what `Hub.run` throws; a hub that does not offer the feed is refused (`HubRefusedError`)
 */
export async function openChangeFeed(options: ChangeFeedOptions): Promise<ChangeFeed> {
  const { url, token, onChange, signal, silenceMs = SILENCE_MS } = options;
  const address = hubAddress(url);
  const controller = new AbortController();
  const abort = () => {
    controller.abort();
  };
  const watchdog = setTimeout(abort, silenceMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const settle = () => {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', abort);
  };

  try {
    const response = await request(address, PATH, { signal: controller.signal }, token);
    const chunks = eventStream(response, address.host);
    const ended = listen(chunks, address.host, onChange, () => watchdog.refresh())
      .then(() => new HubUnreachableError(`${address.host} ended the feed of changes`))
      .catch((error: unknown) =>
        error instanceof StoreError ? error : networkFailure(address.host, error),
      )
      .then((error) => (signal.aborted ? undefined : error))
      .finally(settle);
    return { ended };
  } catch (error) {
    settle();
    controller.abort();
    throw error;
  }
}

function eventStream(response: Response, host: string): AsyncIterable<Uint8Array> {
  const type = response.headers.get('content-type') ?? '';
  if (!response.body || !type.startsWith('text/event-stream')) {
    throw new HubRefusedError(`${host} has no feed of changes`);
  }
  return response.body as AsyncIterable<Uint8Array>;
}

/** How the hub says that it could not keep up with telling. */
const LOST = 'event:error';

/**
 * Of an event only its being there matters; lines of comment are signs of life.
 *
 * @throws `HubUnreachableError` some event was lost
 */
async function listen(
  chunks: AsyncIterable<Uint8Array>,
  host: string,
  onChange: () => void,
  onLife: () => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let unfinished = '';
  for await (const chunk of chunks) {
    onLife();
    const lines = (unfinished + decoder.decode(chunk, { stream: true })).split('\n');
    // The start of a line is enough to tell, however long it gets.
    unfinished = lines.pop()?.slice(0, LOST.length) ?? '';
    for (const line of lines) {
      if (line.startsWith(LOST)) throw new HubUnreachableError(`${host} lost some changes`);
      if (line.startsWith('data:')) onChange();
    }
  }
}
