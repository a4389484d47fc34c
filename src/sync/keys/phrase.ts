import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { InvalidInputError } from '../../errors.ts';

/** How many words stand for a key of 32 bytes (BIP-39, the English list). */
const PHRASE_WORDS = 24;
const knownWords = new Set(wordlist);

/** @returns 24 words, one space between them; the last one also checks the others */
export function keyToPhrase(key: Uint8Array): string {
  return entropyToMnemonic(key, wordlist);
}

/**
 * The key that the words stand for. Case, line breaks, line numbers and punctuation do not matter.
 *
 * @throws `InvalidInputError` too few or many words, a word that is not in the list, or words that
 *   do not belong together; tells the place of a word, never the word
 */
export function phraseToKey(text: string): Uint8Array {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  const wrong = words.findIndex((word) => !knownWords.has(word));
  if (wrong >= 0) {
    throw new InvalidInputError(`word ${wrong + 1} of the key is not in the list of words`);
  }
  if (words.length !== PHRASE_WORDS) {
    throw new InvalidInputError(
      `the key has ${PHRASE_WORDS} words, but ${words.length} were given`,
    );
  }
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch {
    // Without the cause: what it says may hold a word.
    throw new InvalidInputError(
      'the words do not belong together: at least one is wrong or in the wrong place',
    );
  }
}
