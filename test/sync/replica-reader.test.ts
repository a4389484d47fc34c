import { expect, it } from 'vitest';
import type { ReplicaHub } from '../../src/sync/hub/replica-hub.ts';
import { ReplicaReader } from '../../src/sync/replica-reader.ts';

it('a copy that is not like the hub is made anew once in a run, and then given up and told of', async () => {
  const did: string[] = [];
  const replica = {
    take: () => true,
    sync: () => Promise.resolve(did.push('sync')),
    remove: () => did.push('remove'),
  } as unknown as ReplicaHub;
  const reader = new ReplicaReader(replica, 'replica');
  for (let run = 0; run < 2; run++) {
    reader.begin();
    expect(await reader.hub(1)).toBe(replica);
    reader.discard();
    expect(await reader.hub(1)).toBe(replica);
    expect(reader.failure).toBeUndefined();
    reader.discard();
    expect(await reader.hub(1)).toBeUndefined();
    expect(reader.failure).toMatchObject({ code: 'HUB_BUSY' });
    expect(did.splice(0)).toEqual(['sync', 'remove', 'sync', 'remove']);
  }
  reader.begin();
  expect(await reader.hub(1)).toBe(replica);
  expect(reader.failure).toBeUndefined();
});
