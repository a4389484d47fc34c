/**
 * Keeps calls for one record in the order in which they were made, where one of them has something
 * to prepare before it writes: those made after it wait until it has asked to write.
 */
export class CallOrder {
  /** By the id of the record, what has to come first; it never rejects. */
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * @param prepare - undefined where there is nothing to prepare
   * @param job - asks to write before it waits for anything
   */
  async run<P, R>(
    id: string,
    prepare: (() => Promise<P>) | undefined,
    job: (prepared: P | undefined) => Promise<R>,
  ): Promise<R> {
    const before = this.#last.get(id);
    if (!prepare && !before) return job(undefined);
    const asked = (async () => {
      const prepared = await prepare?.();
      await before;
      // Wrapped: who waits for this does not wait for the answer.
      return { answer: job(prepared) };
    })();
    const turn = asked.catch(() => undefined);
    this.#last.set(id, turn);
    try {
      return await (
        await asked
      ).answer;
    } finally {
      if (this.#last.get(id) === turn) this.#last.delete(id);
    }
  }
}
