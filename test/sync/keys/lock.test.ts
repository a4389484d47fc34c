import { describe, expect, it } from 'vitest';
import { InvalidInputError, SyncKeyError } from '../../../src/errors.ts';
import {
  newKeyRing,
  nextKey,
  serialiseKeyRing,
  type KeyRing,
} from '../../../src/sync/keys/key-ring.ts';
import {
  lockRing,
  newLockKey,
  openRing,
  parseKeyCheck,
  type KeyCheck,
} from '../../../src/sync/keys/lock.ts';

const secret = newLockKey();
const ring = newKeyRing();

/** As the hub hands it out. */
async function onHub(ringToLock: KeyRing, by = secret): Promise<KeyCheck> {
  return parseKeyCheck(JSON.stringify(await lockRing(ringToLock, by)));
}

const text = (opened: KeyRing | null) => opened && serialiseKeyRing(opened);

describe('lockRing and openRing', () => {
  it('bring the ring to a device that has the key', async () => {
    const rotated = nextKey(ring);
    const check = await onHub(rotated);
    expect(check).toMatchObject({ number: 2, kdf: null });
    expect(text(await openRing(check, secret))).toBe(serialiseKeyRing(rotated));
  });

  it('bring the ring to a device that has the passphrase, however its letters are spelled', async () => {
    const check = await onHub(ring, { passphrase: 'caf\u00e9 au lait' });
    expect(check.kdf).toMatchObject({ N: 131_072, r: 8, p: 1 });
    const opened = await openRing(check, { passphrase: 'cafe\u0301 au lait' });
    expect(text(opened)).toBe(serialiseKeyRing(ring));
    await expect(openRing(check, { passphrase: 'cafe au lait' })).rejects.toThrow(
      new SyncKeyError('the passphrase does not open this hub'),
    );
  });

  it('lock the same ring differently each time', async () => {
    const [a, b] = [await lockRing(ring, secret), await lockRing(ring, secret)];
    expect(a.ring).not.toBe(b.ring);
    const passphrase = { passphrase: 'the same' };
    const [c, d] = [await lockRing(ring, passphrase), await lockRing(ring, passphrase)];
    expect(c.kdf?.salt).not.toBe(d.kdf?.salt);
  });

  it('tell a wrong key from one that was rotated', async () => {
    const check = await onHub(nextKey(ring), newLockKey());
    const wrong = new SyncKeyError('the key does not open this hub');
    const rotated = 'the key of the hub was rotated: it is at key 2, this device knows key 1';
    await expect(openRing(check, secret)).rejects.toThrow(wrong);
    await expect(openRing(check, secret, 2)).rejects.toThrow(wrong);
    await expect(openRing(check, secret, 1)).rejects.toThrow(rotated);
    await expect(openRing(check, null, 1)).rejects.toThrow(rotated);
  });

  it('open a rotated ring for who has its key, and an older one after the hub was restored', async () => {
    const check = await onHub(nextKey(ring));
    expect((await openRing(check, secret, 1))?.newest).toBe(2);
    expect((await openRing(await onHub(ring), secret, 2))?.newest).toBe(1);
  });

  it('say when a key is missing, or is given without need', async () => {
    const check = await onHub(ring);
    await expect(openRing(check, null)).rejects.toThrow('encrypted, and no key was given');
    await expect(openRing(null, secret)).rejects.toThrow('not encrypted, but a key was given');
    expect(await openRing(null, null)).toBeNull();
  });

  it('never take a hub for clear that this device knows as encrypted', async () => {
    await expect(openRing(null, null, 1)).rejects.toThrow(SyncKeyError);
  });

  it('say which kind of secret opens the hub', async () => {
    const byKey = await onHub(ring);
    const byPassphrase = await onHub(ring, { passphrase: 'a passphrase' });
    await expect(openRing(byKey, { passphrase: 'a passphrase' })).rejects.toThrow(
      'not with a pass',
    );
    await expect(openRing(byPassphrase, secret)).rejects.toThrow('with a passphrase, not with a');
  });

  it('notice a ring that was changed, cut, or given another number', async () => {
    const check = await onHub(ring);
    const bytes = Buffer.from(check.ring, 'base64');
    const changed = [
      { ...check, number: 2 },
      ...[0, 5, 11].map((end) => ({ ...check, ring: bytes.toString('base64', 0, end) })),
      ...[0, 12, 40, bytes.length - 1].map((at) => {
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] ?? 0) ^ 1;
        return { ...check, ring: copy.toString('base64') };
      }),
    ];
    for (const bad of changed) await expect(openRing(bad, secret)).rejects.toThrow(SyncKeyError);
  });

  it('refuse a secret that is none', async () => {
    await expect(lockRing(ring, { passphrase: '' })).rejects.toThrow(InvalidInputError);
    await expect(lockRing(ring, { key: Buffer.alloc(31) })).rejects.toThrow(InvalidInputError);
    const check = await onHub(ring);
    await expect(openRing(check, { key: Buffer.alloc(31) })).rejects.toThrow(InvalidInputError);
  });
});

describe('parseKeyCheck', () => {
  it('refuses what a hostile hub could make of it', async () => {
    const check = await lockRing(ring, secret);
    const kdf = { salt: 'AAAA', N: 131_072, r: 8, p: 1 };
    const bad = [
      null,
      [],
      'text',
      { ...check, number: 0 },
      { ...check, number: '1' },
      { ...check, ring: '*' },
      { ...check, extra: 1 },
      { ...check, kdf: { ...kdf, N: 2 ** 30 } },
      { ...check, kdf: { ...kdf, N: 1000 } },
      { ...check, kdf: { ...kdf, r: 1024 } },
      { ...check, kdf: { ...kdf, p: 1e9 } },
    ];
    for (const value of bad) {
      expect(() => parseKeyCheck(JSON.stringify(value))).toThrow(SyncKeyError);
    }
    expect(() => parseKeyCheck('{"number":1')).toThrow(SyncKeyError);
    expect(parseKeyCheck(JSON.stringify({ ...check, kdf }))).toEqual({ ...check, kdf });
  });
});
