import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { openStore, type Store, type StoreOptions } from '../../../src/index.ts';
import { tempFolder } from '../../support/temp-store.ts';

/** A device in this process; its machine is told by the environment while it exchanges. */
export interface Device {
  readonly name: string;
  readonly path: string;
  store: Store;
  sync(): Promise<void>;
}

/** Opens a store as it would be on a machine of its own. */
export async function device(name: string, options: StoreOptions = {}): Promise<Device> {
  const path = options.path ?? join(tempFolder(), 'store.db');
  const store = await openStore({ ...options, path });
  const made: Device = {
    name,
    path,
    store,
    sync: async () => {
      await asMachine(name, () => made.store.sync.now());
    },
  };
  onTestFinished(() => made.store.close());
  return made;
}

/** One machine at a time: the identity is read from the environment. */
export async function asMachine<T>(name: string, job: () => Promise<T>): Promise<T> {
  process.env['CODEWHALE_STORE_MACHINE_ID'] = name;
  try {
    return await job();
  } finally {
    delete process.env['CODEWHALE_STORE_MACHINE_ID'];
  }
}

/** Turns sync on for all: the first makes the key, the others bring it. */
export async function enable(
  url: string,
  devices: readonly Device[],
  tokenFile?: string,
): Promise<string> {
  const keyFile = join(tempFolder(), 'hub.key');
  for (const [i, { name, store }] of devices.entries()) {
    const more = { ...(i > 0 && { keyFile }), ...(tokenFile !== undefined && { tokenFile }) };
    await asMachine(name, () => store.sync.enable(url, { name, pull: 'http', ...more }));
    if (i > 0) continue;
    writeFileSync(keyFile, (await store.sync.exportKey()).phrase ?? '', { mode: 0o600 });
  }
  return keyFile;
}

/** Exchanges until nothing moves, and expects that all hold the same and nothing is pending. */
export async function agree(devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < 4; round++) {
    for (const one of devices) await one.sync();
  }
  const digests = new Set<string>();
  for (const { store } of devices) {
    digests.add((await store.sync.verify()).digest);
    expect((await store.sync.status()).pendingRows).toBe(0);
  }
  expect(digests.size).toBe(1);
}
