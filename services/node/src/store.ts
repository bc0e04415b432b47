/** What the routes read from the database. */

import type { Database } from "./database.ts";
import { notFound } from "./failures.ts";
import { CUSTOMER_ORDERS, HEALTH, PRODUCT, PRODUCT_SLOW, REGIONS } from "./queries.ts";

export interface Product {
  readonly id: number;
  readonly name: string;
  readonly price_cents: number;
  readonly stock: number;
}

export interface CustomerOrders {
  readonly customer: { readonly id: number; readonly name: string; readonly region: string };
  readonly orders: readonly Order[];
}

export interface Order {
  readonly id: number;
  readonly created_at: string;
  readonly status: string;
  readonly total_cents: number;
  readonly lines: number;
}

export interface Regions {
  readonly days: number;
  readonly regions: readonly RegionRevenue[];
}

export interface RegionRevenue {
  readonly region: string;
  readonly orders: number;
  readonly revenue_cents: number;
}

/** A customer without orders is one row without an order. */
type CustomerRow = { id: number; name: string; region: string } & (
  | { order_id: null }
  | { order_id: number; created_at: Date; status: string; total_cents: number; lines: number }
);

export async function checkHealth(database: Database): Promise<void> {
  await database.lend((loan) => loan.query(HEALTH));
}

export function product(database: Database, id: number): Promise<Product> {
  return readProduct(database, { ...PRODUCT, values: [id] });
}

export function productSlow(database: Database, id: number, ms: number): Promise<Product> {
  return readProduct(database, { ...PRODUCT_SLOW, values: [id, ms] });
}

async function readProduct(
  database: Database,
  query: { name: string; text: string; values: number[] },
): Promise<Product> {
  const { rows } = await database.lend((loan) => loan.query<Product>(query));
  if (rows[0] === undefined) {
    throw notFound("There is no such product.");
  }
  return rows[0];
}

export async function customerOrders(database: Database, id: number, limit: number): Promise<CustomerOrders> {
  const { rows } = await database.lend((loan) => loan.query<CustomerRow>({ ...CUSTOMER_ORDERS, values: [id, limit] }));
  const first = rows[0];
  if (first === undefined) {
    throw notFound("There is no such customer.");
  }
  const orders: Order[] = [];
  for (const row of rows) {
    if (row.order_id !== null) {
      orders.push({
        id: row.order_id,
        created_at: wholeSeconds(row.created_at),
        status: row.status,
        total_cents: row.total_cents,
        lines: row.lines,
      });
    }
  }
  return { customer: { id: first.id, name: first.name, region: first.region }, orders };
}

export async function regions(database: Database, days: number): Promise<Regions> {
  const { rows } = await database.lend((loan) => loan.query<RegionRevenue>({ ...REGIONS, values: [days] }));
  return { days, regions: rows };
}

/** 2026-01-01T00:00:00Z */
export function wholeSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
