import type { EventGaps } from '../../areas/event-gaps.ts';
import type { BodyRef } from '../../db/content.ts';
import type { Transaction } from '../../db/transaction.ts';
import type { HubMeta } from '../hub-meta.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { isPurged, type Root } from '../roots.ts';
import type { Parking } from './park.ts';
import type { Shapes } from './shape.ts';
import { markStale } from './stale-roots.ts';

interface Basis {
  readonly transaction: Transaction;
  readonly ring: KeyRing | null;
  readonly meta: Pick<HubMeta, 'nowMs' | 'floorMs'>;
  readonly round: number;
  readonly shapes: Shapes;
  readonly parking: Parking;
  /** While everything is read again: where events were lost. */
  readonly gaps?: EventGaps | undefined;
  /** Whether the hub is known to hold all of a large body. */
  readonly isHeld: (body: BodyRef) => boolean;
}

/** What the application of some entries in one transaction stands on, and what it remembers. */
export interface ApplyContext extends Basis {
  /** Runtime thread to its last event number. */
  readonly lastSeq: Map<string, number>;
  /** Roots that were looked at, by table and id: whether they are purged. */
  readonly purged: Map<string, Map<string, boolean>>;
  /** Ids of roots by table. */
  readonly stale: Map<string, Set<string>>;
  /** Whether anything is parked at all. */
  anyParked: boolean;
  /** Whether a device is this one, or was it before it was restored or copied. */
  readonly isOwn: (device: string) => boolean;
}

export function newContext(basis: Basis): ApplyContext {
  const anyParked = basis.transaction.number('select exists (select 1 from parked)') === 1;
  let own: ReadonlySet<unknown> | undefined;
  const isOwn = (device: string) => (own ??= ownIds(basis.transaction)).has(device);
  return { ...basis, lastSeq: new Map(), purged: new Map(), stale: new Map(), anyParked, isOwn };
}

function ownIds(transaction: Transaction): ReadonlySet<unknown> {
  const sql = 'select id from device union select value from device, json_each(former_ids)';
  return new Set(transaction.rows(sql).flat());
}

/** Whether the record that a row belongs to was emptied for good. */
export function isRootPurged(context: ApplyContext, root: Root): boolean {
  const known = within(context.purged, root.table, () => new Map<string, boolean>());
  let purged = known.get(root.id);
  if (purged === undefined) {
    purged = isPurged(context.transaction, root);
    known.set(root.id, purged);
  }
  return purged;
}

/** Notes that what is derived of a record has to be looked at. */
export function touchRoot(context: ApplyContext, root: Root): void {
  within(context.stale, root.table, () => new Set<string>()).add(root.id);
}

function within<T>(tables: Map<string, T>, table: string, make: () => T): T {
  let found = tables.get(table);
  if (!found) tables.set(table, (found = make()));
  return found;
}

/** Writes what was gathered, before the transaction ends. */
export function finishStep(context: ApplyContext): void {
  for (const [table, ids] of context.stale) {
    for (const id of ids) markStale(context.transaction, { table, id });
  }
}
