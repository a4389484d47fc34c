import { decodeJwt } from 'jose';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HubFolderError, hub, InvalidInputError } from '../../src/index.ts';
import { tempFolder } from '../support/temp-store.ts';

const DAY_MS = 86_400_000;

async function setupFolder() {
  const { dir, tokenFile } = await hub.init({ dir: join(tempFolder(), 'hub') });
  return { dir, tokenFile, first: () => readFileSync(tokenFile, 'utf8') };
}

describe('hub.token', () => {
  it('says in a token when it ends and whose it is, and nothing that sqld takes for a limit', async () => {
    const { dir } = await setupFolder();
    const { tokenFile, expiresAt } = await hub.token({
      dir,
      device: 'laptop',
      expiresInMs: DAY_MS,
    });
    const claims = decodeJwt(readFileSync(tokenFile, 'utf8'));
    expect(Object.keys(claims).sort()).toEqual(['exp', 'iat', 'sub']);
    expect(claims.sub).toBe('laptop');
    expect(new Date((claims.exp ?? 0) * 1000).toISOString()).toBe(expiresAt);
    await hub.token({ dir, device: 'laptop', readOnly: true });
    expect(decodeJwt(readFileSync(tokenFile, 'utf8'))).toMatchObject({ a: 'ro' });
  });

  it('takes only names that are file names everywhere, and lives from a second to ten years', async () => {
    const { dir } = await setupFolder();
    for (const device of ['../x', 'a/b', '', '.x', 'a b', 'x'.repeat(65), 'x\n']) {
      await expect(hub.token({ dir, device }), device).rejects.toThrow(InvalidInputError);
    }
    for (const expiresInMs of [0, 999, 4000 * DAY_MS, Number.NaN]) {
      const made = hub.token({ dir, device: 'x', expiresInMs });
      await expect(made).rejects.toThrow(InvalidInputError);
    }
  });

  it('needs a folder with keys, and a key that is one', async () => {
    const made = hub.token({ dir: tempFolder(), device: 'x' });
    await expect(made).rejects.toThrow(HubFolderError);
    const { dir } = await setupFolder();
    writeFileSync(join(dir, 'admin.key'), 'short');
    await expect(hub.token({ dir, device: 'x' })).rejects.toThrow(HubFolderError);
  });
});

describe('the token of the host', () => {
  it('is kept while it is good', async () => {
    const { dir, first } = await setupFolder();
    const before = first();
    await hub.init({ dir });
    expect(first()).toBe(before);
  });

  const spoilt: [string, (dir: string) => Promise<unknown>][] = [
    ['is about to expire', (dir) => hub.token({ dir, device: 'hub', expiresInMs: DAY_MS })],
    ['may only read', (dir) => hub.token({ dir, device: 'hub', readOnly: true })],
    [
      'is of another hub',
      async (dir) => {
        const other = await setupFolder();
        writeFileSync(join(dir, 'tokens', 'hub.jwt'), other.first());
      },
    ],
  ];
  it.each(spoilt)('is made anew when it %s', async (_why, spoil) => {
    const { dir, first } = await setupFolder();
    await spoil(dir);
    const before = first();
    await hub.init({ dir });
    expect(first()).not.toBe(before);
    const { exp = 0, a } = decodeJwt(first());
    expect(a).toBeUndefined();
    expect(exp * 1000 - Date.now()).toBeGreaterThan(89 * DAY_MS);
  });
});
