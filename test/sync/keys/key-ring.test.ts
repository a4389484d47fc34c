import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SyncKeyError } from '../../../src/errors.ts';
import {
  newKeyRing,
  nextKey,
  parseKeyRing,
  serialiseKeyRing,
} from '../../../src/sync/keys/key-ring.ts';

interface RingText {
  idKey: string;
  keys: Record<string, string>;
}
const parts = (text: string) => JSON.parse(text) as RingText;

describe('a key ring', () => {
  it('comes back from its text', () => {
    let ring = newKeyRing();
    for (let i = 0; i < 11; i++) ring = nextKey(ring);
    const again = parseKeyRing(serialiseKeyRing(ring));
    expect(again.newest).toBe(12);
    expect([...again.keys.keys()]).toEqual([...ring.keys.keys()]);
    expect(serialiseKeyRing(again)).toBe(serialiseKeyRing(ring));
  });

  it('gains a key by rotation and keeps all others, and the key of ids', () => {
    const ring = newKeyRing();
    const before = parts(serialiseKeyRing(ring));
    const rotated = nextKey(ring);
    const after = parts(serialiseKeyRing(rotated));
    expect(rotated.newest).toBe(2);
    expect(after.idKey).toBe(before.idKey);
    expect(after.keys['1']).toBe(before.keys['1']);
    expect(new Set([after.idKey, ...Object.values(after.keys)]).size).toBe(3);
    expect(ring.newest).toBe(1);
    expect(ring.keys.size).toBe(1);
  });

  it('does not show its keys when it is printed', () => {
    const ring = newKeyRing();
    const { idKey, keys } = parts(serialiseKeyRing(ring));
    const shown = inspect(ring, { depth: null, showHidden: true }) + JSON.stringify(ring);
    for (const key of [idKey, ...Object.values(keys)]) {
      expect(shown).not.toContain(key);
      expect(shown).not.toContain(Buffer.from(key, 'base64').toString('hex').slice(0, 8));
    }
  });

  it('is refused when it is damaged, without quoting the text', () => {
    const good = parts(serialiseKeyRing(newKeyRing()));
    const short = Buffer.alloc(31).toString('base64');
    const bad = [
      JSON.stringify({ ...good, keys: {} }),
      JSON.stringify({ ...good, keys: { 0: good.idKey } }),
      JSON.stringify({ ...good, keys: { x: good.idKey } }),
      JSON.stringify({ ...good, keys: { 1: short } }),
      JSON.stringify({ ...good, idKey: short }),
      JSON.stringify({ keys: good.keys }),
      JSON.stringify({ ...good, more: 1 }),
      'canary',
      '',
      '[]',
    ];
    for (const text of bad) {
      expect(() => parseKeyRing(text)).toThrow(new SyncKeyError('the key ring is damaged'));
    }
  });
});
