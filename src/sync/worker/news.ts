/** How long our own change may be told of after the hub has answered, in milliseconds. */
const OWN_MS = 5000;

/**
 * What the feed tells of others. The hub tells of each commit once, in the order of the commits, of our
 * own ones too: as many as it has acknowledged are ours. Where one of another device is taken for ours,
 * it was committed before ours, and the answer to our push told of it.
 */
export class News {
  readonly #now: () => number;
  /** What was told and is not known to be ours. */
  #told = 0;
  #anything = false;
  /** Own commits of which the hub is still to tell. */
  #awaited = 0;
  #awaitedUntil = -Infinity;

  /** @param now - milliseconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether there is, or may be, something of others to pull. */
  get any(): boolean {
    return this.#anything || this.#told > 0;
  }

  /** Whether the hub told of something of others. */
  get told(): boolean {
    return this.#told > 0;
  }

  /** The hub told of a commit. @returns false where it is one of ours */
  tell(): boolean {
    if (this.#awaited > 0 && this.#now() < this.#awaitedUntil) {
      this.#awaited--;
      return false;
    }
    this.#told++;
    return true;
  }

  /** There may be something that was not told. */
  expect(): void {
    this.#anything = true;
  }

  /** The feed was away: what it told meanwhile will not come. */
  restart(): void {
    this.#awaited = 0;
    this.expect();
  }

  /** From here on everything is looked at. */
  clear(): void {
    this.#told = 0;
    this.#anything = false;
  }

  /** The hub has acknowledged commits of ours since {@link clear}. */
  own(commits: number): void {
    if (this.#now() >= this.#awaitedUntil) this.#awaited = 0;
    const heard = Math.min(this.#told, commits);
    this.#told -= heard;
    this.#awaited += commits - heard;
    this.#awaitedUntil = this.#now() + OWN_MS;
  }
}
