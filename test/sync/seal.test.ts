import { createSecretKey, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealError } from '../../src/errors.ts';
import { newKeyRing, nextKey, parseKeyRing, type KeyRing } from '../../src/sync/keys/key-ring.ts';
import {
  CONTENT_BYTES_MAX,
  openBytes,
  sealBytes,
  sealPayload,
  unpackText,
  unsealBytes,
  type EntryKey,
} from '../../src/sync/seal.ts';

const openPayload = (...sealed: Parameters<typeof unsealBytes>) =>
  unpackText(unsealBytes(...sealed));

const ring = newKeyRing();
const entry: EntryKey = { table: 'tasks', id: 't1', register: 'lifecycle', version: '01-0001-a' };

/** Runs `open` and returns why it failed; anything but a `SealError` fails the test. */
function reasonOf(open: () => unknown): string {
  try {
    open();
  } catch (error) {
    if (error instanceof SealError) return error.reason;
    throw error;
  }
  return 'opened';
}

const openText = (bytes: Uint8Array, by: KeyRing | null = ring, keyNumber = 1, at = entry) =>
  reasonOf(() => openPayload(by, at, keyNumber, bytes));

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

const jsonText = fc.oneof(
  fc.json({ stringUnit: 'binary' }),
  // Every code unit, lone surrogates too, which JSON spells as escapes.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }))
    .map((units) => JSON.stringify(String.fromCharCode(...units))),
  fc
    .string({ unit: 'binary', minLength: 900, maxLength: 3000 })
    .map((text) => JSON.stringify(text)),
);

describe('what is sealed', () => {
  it('bring any text back, sealed or only compressed', () => {
    fc.assert(
      fc.property(jsonText, fc.constantFrom(ring, null), (json, by) => {
        const { keyNumber, bytes } = sealPayload(by, entry, json);
        expect(keyNumber).toBe(by ? 1 : 0);
        expect(openPayload(by, entry, keyNumber, bytes)).toBe(json);
      }),
      { numRuns: 300 },
    );
  });

  it('bring back the empty text, a byte order mark, a NUL and five megabytes', () => {
    const noise = JSON.stringify(randomBytes(3_800_000).toString('base64'));
    const prose = JSON.stringify('All work and no play. '.repeat(240_000));
    for (const json of ['', '\u{feff}{}', '"\0"', noise, prose]) {
      for (const by of [ring, null]) {
        const { keyNumber, bytes } = sealPayload(by, entry, json);
        expect(openPayload(by, entry, keyNumber, bytes) === json).toBe(true);
      }
    }
  });

  it('compress from about a kilobyte up, and only what becomes smaller', () => {
    const small = 'a'.repeat(1000);
    const large = 'a'.repeat(2000);
    const noise = randomBytes(2000);
    expect(sealPayload(null, entry, small).bytes.length).toBe(1001);
    expect(sealPayload(null, entry, large).bytes.length).toBeLessThan(50);
    expect(sealPayload(ring, entry, large).bytes.length).toBeLessThan(80);
    expect(sealBytes(null, entry, noise).bytes.length).toBe(2001);
  });

  it('make another payload of the same text each time', () => {
    const seen = new Set<string>();
    // More than nonces are drawn at once.
    for (let i = 0; i < 3000; i++) {
      const { bytes } = sealPayload(ring, entry, '{}');
      seen.add(Buffer.from(bytes.subarray(0, 12)).toString('hex'));
    }
    expect(seen.size).toBe(3000);
  });

  it('show nothing of the content', () => {
    const { bytes } = sealPayload(ring, entry, '{"title":"canary"}');
    expect(Buffer.from(bytes).includes('canary')).toBe(false);
  });
});

describe('a sealed payload', () => {
  it('does not open after any single bit of it changed, cut anywhere, or made longer', () => {
    const { bytes } = sealPayload(ring, entry, '{"status":"running"}');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(openText(flip(bytes, bit))).toBe('damaged');
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(openText(bytes.subarray(0, length))).toBe('damaged');
    }
    expect(openText(Buffer.concat([bytes, Buffer.of(0)]))).toBe('damaged');
  });

  it('does not open when it was changed, whatever its content and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), fc.nat(), fc.nat(), (content, at, end) => {
        const { bytes } = sealBytes(ring, entry, content);
        const changed = flip(bytes, at % (bytes.length * 8));
        expect(reasonOf(() => openBytes(ring, entry, 1, changed))).toBe('damaged');
        const cut = bytes.subarray(0, end % bytes.length);
        expect(reasonOf(() => openBytes(ring, entry, 1, cut))).toBe('damaged');
      }),
      { numRuns: 300 },
    );
  });

  it('opens as it was released, or a hub could not be read any more', () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const fixed = parseKeyRing(JSON.stringify({ idKey: key, keys: { 1: key } }));
    // Made with another implementation of AES-GCM.
    const sealed = 'CQkJCQkJCQkJCQkJJ/6m58qRtRTTQPEagoXNuvbNHEEPj8MMQgIlSUBzgiugXQ==';
    const opened = openPayload(fixed, entry, 1, Buffer.from(sealed, 'base64'));
    expect(opened).toBe('{"status":"done"}');
  });

  it('opens only in its own place', () => {
    const { bytes } = sealPayload(ring, entry, '{}');
    for (const part of ['table', 'id', 'register', 'version'] as const) {
      expect(openText(bytes, ring, 1, { ...entry, [part]: 'other' })).toBe('damaged');
    }
    // The parts are kept apart: moving a letter from one to the next is another place.
    const moved = { ...entry, table: 'task', id: 'st1' };
    expect(openText(bytes, ring, 1, moved)).toBe('damaged');
    const both = nextKey(ring);
    expect(openText(bytes, both, 2)).toBe('damaged');
    expect(openText(bytes, both, 1)).toBe('opened');
  });

  it('does not open as another key number, even where the key is the same', () => {
    const key = createSecretKey(randomBytes(32));
    const twice: KeyRing = { ...ring, keys: new Map([1, 2].map((n) => [n, key])), newest: 2 };
    const { bytes } = sealPayload(twice, entry, '{}');
    expect(openText(bytes, twice, 2)).toBe('opened');
    expect(openText(bytes, twice, 1)).toBe('damaged');
  });

  it('says that the key is missing, and not that it is damaged', () => {
    const rotated = nextKey(ring);
    const { keyNumber, bytes } = sealPayload(rotated, entry, '{}');
    expect(keyNumber).toBe(2);
    expect(openText(bytes, ring, 2)).toBe('key');
    expect(openText(bytes, null, 2)).toBe('key');
    for (const odd of [-1, 1.5, NaN, 2 ** 40]) expect(openText(bytes, ring, odd)).toBe('key');
  });

  it('opens after rotations, while new ones take the newest key', () => {
    const old = sealPayload(ring, entry, '"old"');
    const rotated = nextKey(nextKey(ring));
    expect(openPayload(rotated, entry, old.keyNumber, old.bytes)).toBe('"old"');
    expect(sealPayload(rotated, entry, '"new"').keyNumber).toBe(3);
  });
});

describe('a hostile hub', () => {
  it('cannot slip in a clear payload once there is a key', () => {
    const clear = sealPayload(null, entry, '{}');
    expect(openText(clear.bytes, ring, clear.keyNumber)).toBe('unsealed');
    expect(openText(clear.bytes, ring, 1)).toBe('damaged');
    // Nor by calling a sealed one clear.
    expect(openText(sealPayload(ring, entry, '{}').bytes, ring, 0)).toBe('unsealed');
  });

  it('cannot fill the memory with a payload that inflates without end', () => {
    const bomb = deflateRawSync(Buffer.alloc(CONTENT_BYTES_MAX + 1), { level: 1 });
    const payload = Buffer.concat([Buffer.of(1), bomb]);
    expect(payload.length).toBeLessThan(1_000_000);
    expect(openText(payload, null, 0)).toBe('damaged');
    expect(openText(Buffer.alloc(CONTENT_BYTES_MAX + 2), null, 0)).toBe('damaged');
  });

  it('gets a SealError or some text for any bytes at all, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 3 }), (bytes, n) => {
        expect(['damaged', 'opened']).toContain(openText(bytes, null, 0));
        expect(['damaged', 'key', 'unsealed']).toContain(openText(bytes, ring, n));
      }),
      { numRuns: 500 },
    );
  });

  it('cannot pass off what is no text, no known form, or not whole', () => {
    const deflated = deflateRawSync(Buffer.from('{"a":1}'));
    const whole = Buffer.concat([Buffer.of(1), deflated]);
    expect(openPayload(null, entry, 0, whole)).toBe('{"a":1}');
    const forms = [[], [2, 65], [1], [...whole.subarray(0, -2)], [0, 0xff], [0, 0xed, 0xa0, 0x80]];
    for (const bytes of forms) expect(openText(Uint8Array.from(bytes), null, 0)).toBe('damaged');
  });

  it('cannot make text of sealed bytes that are none', () => {
    expect(openText(sealBytes(ring, entry, Buffer.of(0xc3, 0x28)).bytes)).toBe('damaged');
  });
});

describe('sealBytes', () => {
  it('refuses what could never be opened again', () => {
    expect(() => sealBytes(ring, entry, Buffer.alloc(CONTENT_BYTES_MAX + 1))).toThrow(RangeError);
  });

  it('leaves the bytes it was given as they are', () => {
    const bytes = randomBytes(5000);
    const before = Buffer.from(bytes);
    const { bytes: sealed } = sealBytes(ring, entry, bytes);
    const kept = Buffer.from(sealed);
    expect(Buffer.from(openBytes(ring, entry, 1, sealed)).equals(before)).toBe(true);
    expect(bytes.equals(before)).toBe(true);
    expect(kept.equals(sealed)).toBe(true);
  });
});
