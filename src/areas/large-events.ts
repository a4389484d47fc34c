import type { Reader } from '../db/reader.ts';
import type { EventPage, RuntimeEvent } from '../model/event.ts';
import { objectMembers, patchObject } from '../model/json-text.ts';
import { readLargeBody } from './large-body.ts';
import { wholeItem } from './large-details.ts';
import type { Runner } from './runner.ts';
import { findItem } from './runtime-rows.ts';

/** Events as they were read in one view; the payloads of some are still to come. */
export interface ReadEvents {
  readonly page: EventPage;
  readonly pending: readonly PendingEvent[];
}

export interface PendingEvent {
  readonly event: RuntimeEvent;
  /** The blob of its payload; null where only the detail of its item is lacking. */
  readonly bodyHash: string | null;
}

/** The item in the payload of an event; its detail may be a reference to the body that has it. */
interface ToldItem {
  detail?: unknown;
}

/** What an event has in place of a large detail: the body in which it stands, by its content. */
export function detailReference(bodyHash: string): unknown {
  return { body_hash: bodyHash };
}

/** Whether the detail of the item that an event tells of stands in the body of the item alone. */
export function lacksDetail(event: RuntimeEvent): boolean {
  return event.itemId !== null && referenceOf(toldItem(event.payload)) !== undefined;
}

/** Brings what is large, piece by piece. */
export async function wholeEvents(
  runner: Runner,
  { page, pending }: ReadEvents,
): Promise<EventPage> {
  for (const { event, bodyHash } of pending) {
    if (bodyHash !== null)
      event.payload = await readLargeBody(runner, 'runtime_events', event.id, bodyHash);
    const item = toldItem(event.payload);
    const reference = referenceOf(item);
    if (event.itemId === null || !item || reference === undefined) continue;
    const detail = await readDetail(runner, event.itemId, reference);
    // It was purged, or has not come from the hub yet.
    if (detail === null) delete item.detail;
    else item.detail = detail;
  }
  return page;
}

/** The body in which the detail stands that an exact payload lacks; null where it is not here. */
export function lackingDetail(
  reader: Reader,
  payload: string,
  itemId: string | null,
): string | null | undefined {
  if (itemId === null || !payload.includes('{"body_hash":"')) return undefined;
  const reference = referenceOf(toldItem(JSON.parse(payload)));
  if (reference === undefined) return undefined;
  return findItem(reader, itemId)?.body_hash === reference ? reference : null;
}

/** The exact payload of an event with the detail that stands in the body of its item. */
export function wholePayload(payload: string, itemBody: string): string {
  const item = memberOf(payload, 'item') ?? '{}';
  const detail = memberOf(itemBody, 'detail');
  return patchObject(payload, { item: patchObject(item, { detail }) });
}

function memberOf(object: string, key: string): string | undefined {
  return objectMembers(object).find((member) => member.key === key)?.value;
}

function toldItem(payload: unknown): ToldItem | undefined {
  const item = isObject(payload) ? payload['item'] : undefined;
  return isObject(item) ? item : undefined;
}

function referenceOf(item: ToldItem | undefined): string | undefined {
  const { detail } = item ?? {};
  if (!isObject(detail) || Object.keys(detail).length !== 1) return undefined;
  const hash = detail['body_hash'];
  return typeof hash === 'string' ? hash : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readDetail(
  runner: Runner,
  itemId: string,
  bodyHash: string,
): Promise<string | null> {
  const row = await runner.read((reader) => findItem(reader, itemId));
  return row?.body_hash === bodyHash ? (await wholeItem(runner, row)).detail : null;
}
