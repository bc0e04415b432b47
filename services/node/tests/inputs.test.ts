import assert from "node:assert/strict";
import { test } from "node:test";
import { isInteger, parseJson } from "../src/inputs.ts";
import { integerOf } from "../src/integers.ts";

test("an integer has one to ten digits, and nothing else", () => {
  assert.equal(integerOf("0000000007", 1, 10), 7);
  for (const text of ["", "0", "-1", "+1", "1.0", "1e1", "0x1", " 1", "1 ", "1\n", "00000000007", "٣", "11"]) {
    assert.equal(integerOf(text, 1, 10), undefined, text);
  }
});

test("a number with a fraction or an exponent is no integer, even where its value is one", () => {
  const parsed = parseJson('{"a":1.0,"b":1e2,"c":[1E0,7],"d":"1.5"}') as Record<string, unknown>;
  assert.deepEqual(parsed, { a: Number.NaN, b: Number.NaN, c: [Number.NaN, 7], d: "1.5" });
  assert.equal(isInteger(parsed.a, 0, 9), false);
});

test("integers are in their range, and no strings or booleans", () => {
  assert.equal(isInteger(1, 1, 1), true);
  for (const value of [0, 2, 1.5, "1", true, null, undefined, [1], {}, 1n]) {
    assert.equal(isInteger(value, 1, 1), false, String(value));
  }
});

test("a document that is very deep is an error, not a crash", () => {
  const deep = `${"[".repeat(100_000)}1.5${"]".repeat(100_000)}`;
  assert.throws(() => parseJson(deep), RangeError);
  assert.throws(() => parseJson("[".repeat(100_000)), SyntaxError);
});
