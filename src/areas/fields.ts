/** The fields that were given. */
export function withoutUndefined<V>(fields: Record<string, V | undefined>): Record<string, V> {
  const entries = Object.entries(fields).filter((entry): entry is [string, V] => {
    return entry[1] !== undefined;
  });
  return Object.fromEntries(entries);
}

/** `word` where it is one of `words`; else the one that is read in place of a word of later versions. */
export function knownWord<W extends string>(words: readonly W[], word: string, instead: W): W {
  return words.find((known) => known === word) ?? instead;
}
