import type { Transaction } from '../../db/transaction.ts';
import type { HubMeta } from '../hub-meta.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { isPurged, type Root } from '../roots.ts';
import type { Shapes } from './shape.ts';
import { markStale } from './stale-roots.ts';

interface Basis {
  readonly transaction: Transaction;
  readonly ring: KeyRing | null;
  readonly meta: Pick<HubMeta, 'nowMs' | 'floorMs'>;
  readonly round: number;
  readonly shapes: Shapes;
}

/** What the application of some entries in one transaction stands on, and what it remembers. */
export interface ApplyContext extends Basis {
  /** Runtime thread to its last event number. */
  readonly lastSeq: Map<string, number>;
  /** Roots that were looked at: whether they are purged. */
  readonly purged: Map<string, boolean>;
  readonly stale: Map<string, Root>;
  /** Whether anything is parked at all. */
  anyParked: boolean;
}

export function newContext(basis: Basis): ApplyContext {
  const anyParked = basis.transaction.number('select exists (select 1 from parked)') === 1;
  return { ...basis, lastSeq: new Map(), purged: new Map(), stale: new Map(), anyParked };
}

/** Whether the record that a row belongs to was emptied for good. */
export function isRootPurged(context: ApplyContext, root: Root): boolean {
  const key = `${root.table} ${root.id}`;
  let purged = context.purged.get(key);
  if (purged === undefined) {
    purged = isPurged(context.transaction, root);
    context.purged.set(key, purged);
  }
  return purged;
}

/** Notes that what is derived of a record has to be looked at. */
export function touchRoot(context: ApplyContext, root: Root): void {
  context.stale.set(`${root.table} ${root.id}`, root);
}

/** Writes what was gathered, before the transaction ends. */
export function finishStep(context: ApplyContext): void {
  for (const root of context.stale.values()) markStale(context.transaction, root);
}
