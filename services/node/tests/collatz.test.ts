import assert from "node:assert/strict";
import { test } from "node:test";
import { collatz } from "../src/collatz.ts";

test("of equal walks the earlier start is the longest", async () => {
  assert.deepEqual(await collatz(12, 2), {
    from: 12,
    count: 2,
    longest_start: 12,
    longest_steps: 9,
    total_steps: 18,
  });
});

test("the start 1 has no steps", async () => {
  const walk = await collatz(1, 1);
  assert.deepEqual([walk.longest_start, walk.longest_steps, walk.total_steps], [1, 0, 0]);
});

test("a walk beyond 2^31 and 2^32 is exact", async () => {
  // The largest value of its walk is 90,239,155,648.
  assert.equal((await collatz(1_042_431, 1)).total_steps, 439);
  assert.equal((await collatz(113_383, 1)).total_steps, 247);
});

test("turns add up to the whole", async () => {
  const whole = await collatz(1, 25_000);
  const parts = [await collatz(1, 10_000), await collatz(10_001, 15_000)];
  assert.equal(
    whole.total_steps,
    parts.reduce((sum, part) => sum + part.total_steps, 0),
  );
  assert.equal(whole.longest_start, 23_529);
});
