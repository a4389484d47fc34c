import type { Transaction } from '../../db/transaction.ts';
import type { HubMeta } from '../hub-meta.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Shapes } from './shape.ts';

/** What the application of some entries in one transaction stands on. */
export interface ApplyContext {
  readonly transaction: Transaction;
  readonly ring: KeyRing | null;
  readonly meta: Pick<HubMeta, 'nowMs' | 'floorMs'>;
  readonly round: number;
  readonly shapes: Shapes;
  /** Runtime thread to its last event number, within this transaction. */
  readonly lastSeq: Map<string, number>;
}
