/** Pure work: orders grouped by region. */

import { badRequest } from "./failures.ts";
import { isInteger, isObject } from "./inputs.ts";

const MOST_ORDERS = 10_000;

export interface SoldLine {
  readonly sku: string;
  readonly quantity: number;
  readonly price_cents: number;
}

export interface SoldOrder {
  readonly customer: string;
  readonly region: string;
  readonly lines: readonly SoldLine[];
}

/** A sum of money; a bigint only beyond 2^53, where numbers are not exact any more. */
export type Cents = number | bigint;

export interface Summary {
  readonly orders: number;
  readonly regions: readonly RegionSummary[];
}

export interface RegionSummary {
  readonly region: string;
  readonly orders: number;
  readonly quantity: number;
  readonly revenue_cents: Cents;
  readonly top_customer: string;
}

export function checkOrders(document: unknown): readonly SoldOrder[] {
  if (!isObject(document) || !Array.isArray(document.orders)) {
    throw badRequest("orders must be a list.");
  }
  const orders: readonly unknown[] = document.orders;
  if (orders.length > MOST_ORDERS) {
    throw badRequest(`orders may hold ${MOST_ORDERS} at most.`);
  }
  if (!orders.every(isOrder)) {
    throw badRequest(
      "An order needs customer, region and lines, " +
        "a line sku, quantity from 1 to 1000000 and price_cents from 0 to 100000000.",
    );
  }
  return orders;
}

function isOrder(value: unknown): value is SoldOrder {
  return (
    isObject(value) &&
    typeof value.customer === "string" &&
    typeof value.region === "string" &&
    Array.isArray(value.lines) &&
    value.lines.every(isLine)
  );
}

function isLine(value: unknown): value is SoldLine {
  return (
    isObject(value) &&
    typeof value.sku === "string" &&
    isInteger(value.quantity, 1, 1_000_000) &&
    isInteger(value.price_cents, 0, 100_000_000)
  );
}

export function summarize(orders: readonly SoldOrder[]): Summary {
  const regions = new Map<string, Region>();
  for (const order of orders) {
    let region = regions.get(order.region);
    if (region === undefined) {
      region = new Region(order.region);
      regions.set(order.region, region);
    }
    region.add(order);
  }
  const sorted = [...regions.values()].sort(
    (a, b) => compare(b.revenue, a.revenue) || compareByCodePoint(a.name, b.name),
  );
  return { orders: orders.length, regions: sorted.map((region) => region.summary()) };
}

class Region {
  readonly name: string;
  revenue: Cents = 0;
  readonly #customers = new Map<string, Cents>();
  #orders = 0;
  #quantity = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(order: SoldOrder): void {
    let revenue: Cents = 0;
    for (const line of order.lines) {
      this.#quantity += line.quantity;
      revenue = sum(revenue, line.quantity * line.price_cents);
    }
    this.#orders++;
    this.revenue = sum(this.revenue, revenue);
    this.#customers.set(order.customer, sum(this.#customers.get(order.customer) ?? 0, revenue));
  }

  summary(): RegionSummary {
    return {
      region: this.name,
      orders: this.#orders,
      quantity: this.#quantity,
      revenue_cents: this.revenue,
      top_customer: this.#topCustomer(),
    };
  }

  #topCustomer(): string {
    let top = "";
    let most: Cents = -1;
    for (const [customer, revenue] of this.#customers) {
      const difference = compare(revenue, most);
      if (difference > 0 || (difference === 0 && compareByCodePoint(customer, top) < 0)) {
        top = customer;
        most = revenue;
      }
    }
    return top;
  }
}

export function sum(a: Cents, b: Cents): Cents {
  if (typeof a === "number" && typeof b === "number") {
    const total = a + b;
    if (Number.isSafeInteger(total)) {
      return total;
    }
  }
  return BigInt(a) + BigInt(b);
}

function compare(a: Cents, b: Cents): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of code points. The operator < compares units of UTF-16, which differs for characters beyond U+FFFF. */
export function compareByCodePoint(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) {
      return difference;
    }
  }
  return a.length - b.length;
}

/** Half of a surrogate pair stands for a code point beyond all those of one unit. */
function rank(unit: number): number {
  return 0xd800 <= unit && unit <= 0xdfff ? unit + 0x10000 : unit;
}
