import { openChangeFeed } from '../hub/change-feed.ts';
import type { Connected } from '../connect.ts';
import { backoffMs } from './backoff.ts';
import type { News } from './news.ts';

/** A feed that lasted so long was a good one, in milliseconds. */
const LASTING_MS = 30_000;
/** Between the first look after the news of a change and the second one, in milliseconds. */
const AGAIN_MS = 300;

/** The hub's feed of changes, opened again and again; without it the timer alone does it. */
export class Feed {
  readonly #connected: Pick<Connected, 'url' | 'token'>;
  readonly #news: News;
  readonly #onNews: () => void;
  readonly #random: () => number;
  readonly #controller = new AbortController();
  #state: 'down' | 'opening' | 'up' = 'down';
  #failures = 0;
  #retryAt = 0;
  #again: NodeJS.Timeout | undefined;

  /** @param onNews - called when there may be something of others on the hub */
  constructor(
    connected: Pick<Connected, 'url' | 'token'>,
    news: News,
    onNews: () => void,
    random: () => number,
  ) {
    this.#connected = connected;
    this.#news = news;
    this.#onNews = onNews;
    this.#random = random;
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  /** How long until {@link open} does something again, in milliseconds. */
  get retryInMs(): number {
    return Math.max(0, this.#retryAt - performance.now());
  }

  /** Opens the feed where it is down and its time has come; to be called when the hub answers. */
  open(): void {
    if (this.#state !== 'down' || this.retryInMs > 0 || this.#controller.signal.aborted) return;
    this.#state = 'opening';
    void this.#listen();
  }

  close(): void {
    clearTimeout(this.#again);
    this.#controller.abort();
  }

  /** The hub tells of a change before it can be read: now and then a look at once finds nothing. */
  lookAgain(): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      this.#news.expect();
      this.#onNews();
    }, AGAIN_MS);
    this.#again.unref();
  }

  async #listen(): Promise<void> {
    const { url, token } = this.#connected;
    const { signal } = this.#controller;
    const start = performance.now();
    try {
      const onChange = () => {
        if (this.#news.tell()) this.#onNews();
      };
      const feed = await openChangeFeed({ url, token, signal, onChange });
      this.#state = 'up';
      // What came between the last pull and now was not told.
      this.#news.restart();
      this.#onNews();
      await feed.ended;
    } catch {
      // Why the hub cannot be reached is told by the exchanges; a feed alone is not missed.
    }
    this.#state = 'down';
    if (performance.now() - start > LASTING_MS) this.#failures = 0;
    this.#retryAt = performance.now() + backoffMs(this.#failures++, this.#random);
  }
}
