import { describe, expect, it } from 'vitest';
import { HubRefusedError } from '../../src/errors.ts';
import { readDevices } from '../../src/sync/devices.ts';
import { readMeta } from '../../src/sync/hub-meta.ts';
import type { Hub, HubValue } from '../../src/sync/hub/hub.ts';
import { readPage } from '../../src/sync/pull-statements.ts';
import { pushRequest, type PushAsk } from '../../src/sync/push-statements.ts';

// What no hub of ours sends: the statements keep it from that, whatever somebody has written there.

const ODD: readonly HubValue[] = ['five', null, NaN, 0.5, 2 ** 60, new Uint8Array([5])];
const EPOCH = { number: 1, token: 'epoch' };
const ASK: PushAsk = {
  ...{ device: 'd', storeId: 's', epoch: EPOCH, cursor: 0, pair: null, acked: null, floorMs: 0 },
  ...{ keyCheck: 'none', sent: { number: 1, token: 'first' } },
};

/** The row with each odd value in the place of each of these columns. */
const spoilt = (row: readonly HubValue[], columns: readonly number[]) =>
  columns.flatMap((at) => ODD.map((odd) => row.with(at, odd)));

describe('an answer with something else where a number belongs is refused', () => {
  it('of the meta row', () => {
    const row = [1, 's', 1, 't', 5, 't', 1000, 0, 1, null, null, null, 'none', 1, 1000];
    expect(readMeta([row]).head.number).toBe(5);
    for (const odd of spoilt(row, [2, 4, 6, 7])) {
      expect(() => readMeta([odd])).toThrow(HubRefusedError);
    }
  });

  it('of a page', () => {
    const row = [7, 'sessions', 'id', 'title', 'v', 0, 1, new Uint8Array([1])];
    expect(readPage([row], 1, 'rows').entries[0]?.seq).toBe(7);
    for (const odd of spoilt(row, [0, 5, 6])) {
      expect(() => readPage([odd], 1, 'rows')).toThrow(HubRefusedError);
    }
    const packed = JSON.stringify([[...row.slice(0, 7), 'long']]);
    expect(() => readPage([[packed, new Uint8Array([1])]], 1, 'packed')).toThrow(HubRefusedError);
  });

  it('of a push', () => {
    const { read } = pushRequest(ASK, [], { name: 'n', platform: 'p' });
    const row = [5, 'token', 1000, 0];
    expect(read([row].map((one) => [one]))?.head.number).toBe(5);
    for (const odd of spoilt(row, [0, 2, 3])) {
      expect(() => read([[odd]])).toThrow(HubRefusedError);
    }
  });
});

it('a device whose time is none was never seen', async () => {
  const bytes = new Uint8Array([65]);
  const row: HubValue[] = [bytes, bytes, bytes, 1000, 1000];
  const hubOf = (one: readonly HubValue[]): Hub => ({
    run: () => Promise.resolve([[one]]),
    close: () => undefined,
  });
  expect((await readDevices(hubOf(row)))[0]?.seenAt).toBe(1000);
  expect((await readDevices(hubOf(row.with(4, null))))[0]?.revokedAt).toBeNull();
  for (const odd of spoilt(row, [3])) {
    expect((await readDevices(hubOf(odd)))[0]?.seenAt).toBeLessThan(1);
  }
});
