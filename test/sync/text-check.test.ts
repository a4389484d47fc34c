import { describe, expect, it } from 'vitest';
import { isUtf8 } from 'node:buffer';
import { scan } from '../../src/model/json-scan.ts';
import { TextCheck } from '../../src/sync/text-check.ts';

const long = 'x'.repeat(70_000);

function check(text: Buffer, size: number): boolean {
  const checking = new TextCheck();
  for (let at = 0; at < text.length; at += size) {
    checking.push(Buffer.from(text.subarray(at, at + size)));
  }
  return checking.isJson();
}

function isSound(text: Buffer): boolean {
  try {
    scan(text);
    return isUtf8(text);
  } catch {
    return false;
  }
}

describe('a body that comes in pieces', () => {
  const texts = [
    `{"detail":"${long}","a":[1,true]}`,
    `{"detail":"${long}\\ud83d\\udc0b${long}\\u0000"}`,
    `{"detail":"${long}\\ud83d${long}"}`,
    `{"detail":"${long}\\udc0b${long}"}`,
    `{"detail":"${long}\\x${long}"}`,
    `{"detail":"${long}\n${long}"}`,
    `{"detail":"${long}","detail":1}`,
    `{"detail":"${long}"`,
    `{"detail":"${long}`,
    `{"detail":"${long}"}}`,
    `[${'['.repeat(130)}"${long}"${']'.repeat(131)}`,
    `{"a":"${long}","b":"\\u0000","c":"\\u00001"}`,
    `"${'🐋'.repeat(40_000)}"`,
  ].map((text) => Buffer.from(text));
  const broken = Buffer.from(`{"detail":"${long}?${long}"}`);
  broken[70_011] = 0xff;

  it('is sound where the whole is', () => {
    for (const text of [...texts, broken]) {
      const expected = isSound(text);
      for (const size of [1000, 4093, 65_536, text.length]) {
        expect(check(text, size), text.toString().slice(-40)).toBe(expected);
      }
    }
    expect(texts.map(isSound).filter(Boolean)).toHaveLength(4);
  });

  it('is left to the check of the whole where a key is long', () => {
    const text = Buffer.from(`{"${long}":1}`);
    expect(isSound(text)).toBe(true);
    expect(check(text, 4096)).toBe(false);
  });
});
