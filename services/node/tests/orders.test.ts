import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../src/failures.ts";
import { checkOrder } from "../src/orders.ts";
import { wholeSeconds } from "../src/store.ts";

test("lines go to the database in product order", () => {
  const lines = [
    { product_id: 10, quantity: 1 },
    { product_id: 9, quantity: 2 },
  ];
  assert.deepEqual(checkOrder({ customer_id: 7, lines }), {
    customerId: 7,
    productIds: [9, 10],
    quantities: [2, 1],
  });
});

test("orders of another form are bad requests", () => {
  const line = { product_id: 1, quantity: 1 };
  for (const wrong of [
    {},
    { customer_id: 0, lines: [line] },
    { customer_id: 2_147_483_648, lines: [line] },
    { customer_id: 1, lines: [] },
    { customer_id: 1, lines: Array.from({ length: 21 }, (_, i) => ({ product_id: i + 1, quantity: 1 })) },
    { customer_id: 1, lines: [line, line] },
    { customer_id: 1, lines: [{ product_id: 1, quantity: 101 }] },
  ]) {
    assert.throws(
      () => checkOrder(wrong),
      (error) => error instanceof Failure && error.status === 400,
    );
  }
});

test("a date has whole seconds in UTC", () => {
  assert.equal(wholeSeconds(new Date("2026-01-01T01:02:03.999+01:00")), "2026-01-01T00:02:03Z");
});
