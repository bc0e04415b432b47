/** Pure work: Collatz walks, step by step. */

import { setImmediate } from "node:timers/promises";

export interface Collatz {
  readonly from: number;
  readonly count: number;
  readonly longest_start: number;
  readonly longest_steps: number;
  readonly total_steps: number;
}

/** About ten milliseconds of work. */
const STARTS_PER_TURN = 10_000;

export async function collatz(from: number, count: number): Promise<Collatz> {
  const walks = new Walks();
  const end = from + count;
  for (let first = from; first < end; first += STARTS_PER_TURN) {
    if (first > from) {
      // The largest request takes long: others on this event loop get their turn meanwhile.
      await setImmediate();
    }
    walks.walk(first, Math.min(first + STARTS_PER_TURN, end));
  }
  return {
    from,
    count,
    longest_start: walks.longestStart,
    longest_steps: walks.longestSteps,
    total_steps: walks.totalSteps,
  };
}

class Walks {
  longestStart = 0;
  longestSteps = -1;
  totalSteps = 0;

  /** Walks from every start to 1; of walks of equal length the earlier start stays the longest. */
  walk(first: number, end: number): void {
    for (let start = first; start < end; start++) {
      let steps = 0;
      // A walk goes beyond 2^32, but stays far below 2^53: arithmetic on numbers is exact, and so is the lowest bit.
      // Operators that make their result 32 bits wide (>>, |) would be wrong.
      for (let n = start; n !== 1; steps++) {
        n = (n & 1) === 0 ? n / 2 : n * 3 + 1;
      }
      this.totalSteps += steps;
      if (steps > this.longestSteps) {
        this.longestStart = start;
        this.longestSteps = steps;
      }
    }
  }
}
