import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../src/failures.ts";
import { checkOrders, compareByCodePoint, sum, summarize } from "../src/summarize.ts";

function order(customer: string, region: string, ...lines: [number, number][]) {
  return {
    customer,
    region,
    lines: lines.map(([quantity, price_cents]) => ({ sku: "s", quantity, price_cents })),
  };
}

test("regions come by revenue, then by name, and of equal customers the smaller", () => {
  const { orders, regions } = summarize([
    order("b", "west", [1, 10]),
    order("a", "west", [2, 5]),
    order("c", "east", [1, 20]),
    order("d", "north", [3, 100]),
    order("e", "empty"),
  ]);
  assert.equal(orders, 5);
  assert.deepEqual(
    regions.map((each) => [each.region, each.orders, each.quantity, each.revenue_cents, each.top_customer]),
    [
      ["north", 1, 3, 300, "d"],
      ["east", 1, 1, 20, "c"],
      ["west", 2, 3, 20, "a"],
      ["empty", 1, 0, 0, "e"],
    ],
  );
});

test("the sum of a region may pass 2^53", () => {
  const most: [number, number] = [1_000_000, 100_000_000];
  const lines = Array.from({ length: 101 }, () => most);
  const [region] = summarize([order("a", "r", ...lines, [1, 1])]).regions;
  assert.equal(region?.revenue_cents, 10_100_000_000_000_001n);
  assert.equal(sum(Number.MAX_SAFE_INTEGER, 1), 2n ** 53n);
  assert.equal(sum(1, 2), 3);
  const [first] = summarize([order("a", "small", [1, 1]), order("b", "big", ...lines)]).regions;
  assert.equal(first?.region, "big");
});

test("names are compared by code point", () => {
  // In UTF-16 the emoji begins with a unit below U+FF41.
  assert.ok("😀" < "\uff41");
  assert.ok(compareByCodePoint("😀", "\uff41") > 0);
  assert.ok(compareByCodePoint("a", "b") < 0);
  assert.ok(compareByCodePoint("a", "ab") < 0);
  assert.equal(compareByCodePoint("Zoë", "Zoë"), 0);
});

test("documents of another form are bad requests", () => {
  const line = { sku: "s", quantity: 1, price_cents: 0 };
  const good = { customer: "c", region: "r", lines: [line] };
  assert.equal(checkOrders({ orders: [good], more: null }).length, 1);
  for (const wrong of [
    null,
    [],
    {},
    { orders: {} },
    { orders: [null] },
    { orders: [{ ...good, customer: null }] },
    { orders: [{ ...good, lines: undefined }] },
    { orders: [{ ...good, lines: [{ ...line, quantity: 0 }] }] },
    { orders: [{ ...good, lines: [{ ...line, quantity: Number.NaN }] }] },
    { orders: [{ ...good, lines: [{ ...line, price_cents: "1" }] }] },
    { orders: Array.from({ length: 10_001 }, () => good) },
  ]) {
    assert.throws(
      () => checkOrders(wrong),
      (error) => error instanceof Failure && error.status === 400,
    );
  }
});
