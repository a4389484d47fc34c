/** A promise of the product that did not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function fail(text: string): never {
  throw new Violation(text);
}
