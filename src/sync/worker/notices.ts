import type { SyncFailure } from '../status.ts';

/** What a worker tells who looks on. */
export type SyncNotice =
  /** It exchanges with the hub. */
  | { readonly event: 'leading' }
  /** Another process of this store does; this one goes on when that ends. */
  | { readonly event: 'standingBy'; readonly leader: string }
  /** Sync was turned off; it goes on when it is turned on again. */
  | { readonly event: 'off' }
  /** It cannot exchange, and tries again after so long, or as soon as a token or a setting changes. */
  | { readonly event: 'failed'; readonly error: SyncFailure; readonly retryInMs: number }
  | { readonly event: 'recovered' };

/** Tells each thing once: a failure is told again only after it was overcome. */
export class Notices {
  readonly #tell: (notice: SyncNotice) => void;
  /** What this worker was told to be last: its event, or who leads. */
  #role = '';
  readonly #failures = new Set<string>();

  constructor(tell: (notice: SyncNotice) => void = () => undefined) {
    this.#tell = tell;
  }

  leading(): void {
    this.#become('leading', { event: 'leading' });
  }

  standingBy(leader: string): void {
    this.#become(leader, { event: 'standingBy', leader });
  }

  off(): void {
    this.#become('off', { event: 'off' });
  }

  failed(error: SyncFailure, retryInMs: number): void {
    if (this.#failures.has(error.code)) return;
    this.#failures.add(error.code);
    this.#tell({ event: 'failed', error, retryInMs: Math.round(retryInMs) });
  }

  recovered(): void {
    if (this.#failures.size === 0) return;
    this.#failures.clear();
    this.#tell({ event: 'recovered' });
  }

  #become(role: string, notice: SyncNotice): void {
    if (this.#role === role) return;
    this.#role = role;
    // What failed before concerned another role.
    this.#failures.clear();
    this.#tell(notice);
  }
}
