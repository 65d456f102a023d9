/**
 * How many requests may be under way. Halves when the store asks for less, and grows by about one for each round of
 * requests that went well (additive increase, multiplicative decrease), between 1 and the most.
 */
export class Parallelism {
  #limit: number;
  #underWay = 0;
  #lastCut = 0;
  /** Number of the latest request that was let in. */
  #latest = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly most: number) {
    this.#limit = most;
  }

  /** Requests that may be under way now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Runs the action when there is room for it. `slowDown` says that this very request was throttled. */
  async hold<T>(action: (slowDown: () => void) => Promise<T>): Promise<T> {
    // Loops: somebody else may have come first when the turn comes.
    while (this.#underWay >= this.limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
    this.#latest += 1;
    const number = this.#latest;
    let throttled = false;
    const slowDown = () => {
      throttled = true;
      this.#cut(number);
    };
    try {
      return await action(slowDown);
    } finally {
      if (!throttled) this.#limit = Math.min(this.most, this.#limit + 1 / this.#limit);
      this.#underWay -= 1;
      for (let room = this.limit - this.#underWay; room > 0; room -= 1) this.#waiting.shift()?.();
    }
  }

  /** Counts a throttled request, but of those that were sent before the last cut none: they knew nothing of it. */
  #cut(number: number): void {
    if (number <= this.#lastCut) return;
    this.#lastCut = this.#latest;
    this.#limit = Math.max(1, this.#limit / 2);
  }
}
