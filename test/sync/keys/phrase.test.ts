import { wordlist } from '@scure/bip39/wordlists/english.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../../src/errors.ts';
import { keyToPhrase, phraseToKey } from '../../../src/sync/keys/phrase.ts';

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const phrase = keyToPhrase(key);
const words = phrase.split(' ');

const bytes = (text: string) => [...phraseToKey(text)];

describe('the words of a key', () => {
  it('are those of BIP-39', () => {
    // The published test vector.
    const vector = [...Array<string>(23).fill('abandon'), 'art'].join(' ');
    expect(keyToPhrase(new Uint8Array(32))).toBe(vector);
    expect(bytes(vector)).toEqual([...new Uint8Array(32)]);
  });

  it('are 24 and give the key back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (some) => {
        const text = keyToPhrase(some);
        expect(text.split(' ')).toHaveLength(24);
        expect(bytes(text)).toEqual([...some]);
      }),
      { numRuns: 100 },
    );
  });

  it('may be typed in capitals, over several lines, with numbers and commas', () => {
    const spellings = [
      phrase.toUpperCase(),
      `  ${words.join('   ')}\t\n`,
      words.join('\r\n'),
      words.map((word, i) => `${i + 1}. ${word}`).join('\n'),
      words.map((word, i) => `${i + 1}) ${word},`).join(' '),
      words.map((word, i) => `${String(i + 1).padStart(2)}:${word}`).join('\n'),
    ];
    for (const text of spellings) expect(bytes(text)).toEqual([...key]);
  });

  it('show the place of a word that is not in the list, and not the word', () => {
    for (const typo of ['canary', `${words[4]}x`, 'zoö']) {
      const text = words.with(4, typo).join(' ');
      const error = new InvalidInputError('word 5 of the key is not in the list of words');
      expect(() => phraseToKey(text)).toThrow(error);
    }
  });

  it('are refused when some are missing, or too many', () => {
    for (const text of ['', words.slice(1).join(' '), `${phrase} ${words[0]}`]) {
      expect(() => phraseToKey(text)).toThrow(/24 words, but (0|23|25) were given/);
    }
    // Twelve words are a phrase for others, but not a key of 32 bytes.
    const twelve = [...Array<string>(11).fill('abandon'), 'about'].join(' ');
    expect(() => phraseToKey(twelve)).toThrow(/but 12 were/);
  });

  it('hardly ever fit together when one is taken for another, and say so', () => {
    let refused = 0;
    for (const [i, word] of words.entries()) {
      const other = wordlist[(wordlist.indexOf(word) + 1) % wordlist.length] ?? '';
      try {
        phraseToKey(words.with(i, other).join(' '));
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInputError);
        expect((error as Error).message).toMatch(/do not belong together/);
        expect((error as Error).cause).toBeUndefined();
        refused++;
      }
    }
    // The check is one byte: one typing error in 256 goes through, and then opens no hub.
    expect(refused).toBeGreaterThanOrEqual(23);
  });
});
