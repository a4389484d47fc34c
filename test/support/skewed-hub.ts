import { HttpHub } from '../../src/sync/hub/http-hub.ts';
import type { Hub, HubRow, HubStatement } from '../../src/sync/hub/hub.ts';

/** The one expression by which our statements ask for the hub's clock: seconds as REAL. */
const CLOCK = `unixepoch('subsec')`;

/** A hub on a machine whose clock is wrong: the real one, asked for another time. */
export class SkewedHub implements Hub {
  /** Milliseconds by which its clock is ahead. */
  skewMs = 0;
  #hub: HttpHub;

  constructor(url: string) {
    this.#hub = new HttpHub({ url, token: () => undefined });
  }

  /** Another one takes its place. */
  replace(url: string): void {
    this.#hub.close();
    this.#hub = new HttpHub({ url, token: () => undefined });
  }

  run(statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]> {
    const clock = `(${CLOCK} + ${String(this.skewMs)} / 1000.0)`;
    const skewed = statements.map(({ sql, params }) => ({
      sql: sql.replaceAll(CLOCK, clock),
      params,
    }));
    return this.#hub.run(skewed, mode);
  }

  close(): void {
    this.#hub.close();
  }
}
