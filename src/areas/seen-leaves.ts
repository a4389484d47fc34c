/**
 * Session to the message that a handle saw last: what its next append goes on from. One that was
 * made over a former one keeps what a transaction saw apart, because that may be rolled back.
 */
export class SeenLeaves {
  readonly #leaves = new Map<string, string>();
  readonly #former: SeenLeaves | undefined;

  constructor(former?: SeenLeaves) {
    this.#former = former;
  }

  get(sessionId: string): string | undefined {
    return this.#leaves.get(sessionId) ?? this.#former?.get(sessionId);
  }

  set(sessionId: string, leaf: string): void {
    this.#leaves.set(sessionId, leaf);
  }

  /** What was seen since is seen by the former one, too. */
  keep(): void {
    for (const [id, leaf] of this.#leaves) this.#former?.set(id, leaf);
  }
}
