/** A new order: what a request may hold, and the transaction that it becomes. */

import { DatabaseError } from "pg";
import type { Database } from "./database.ts";
import { badRequest, notFound, outOfStock } from "./failures.ts";
import { isInteger, isObject } from "./inputs.ts";
import { MOST_ID } from "./integers.ts";
import type { Loan } from "./loan.ts";
import { INSERT_LINES, INSERT_ORDER, LOCK_PRODUCTS, TAKE_STOCK } from "./queries.ts";

const FOREIGN_KEY_VIOLATION = "23503";

/** Lines by column, as the statements take them, in product order: so two orders cannot wait for each other. */
export interface NewOrder {
  readonly customerId: number;
  readonly productIds: readonly number[];
  readonly quantities: readonly number[];
}

export interface OrderCreated {
  readonly id: number;
  readonly total_cents: number;
}

interface Line {
  readonly product_id: number;
  readonly quantity: number;
}

export function checkOrder(document: unknown): NewOrder {
  if (!isObject(document) || !isInteger(document.customer_id, 1, MOST_ID)) {
    throw badRequest(`customer_id must be an integer from 1 to ${MOST_ID}.`);
  }
  const lines: unknown = document.lines;
  if (!Array.isArray(lines) || lines.length < 1 || lines.length > 20) {
    throw badRequest("An order needs 1 to 20 lines.");
  }
  if (!lines.every(isLine)) {
    throw badRequest("A line needs product_id and quantity from 1 to 100.");
  }
  const sorted = lines.toSorted((a, b) => a.product_id - b.product_id);
  const productIds = sorted.map((line) => line.product_id);
  if (new Set(productIds).size < productIds.length) {
    throw badRequest("A product may be on one line only.");
  }
  return {
    customerId: document.customer_id,
    productIds,
    quantities: sorted.map((line) => line.quantity),
  };
}

function isLine(value: unknown): value is Line {
  return isObject(value) && isInteger(value.product_id, 1, MOST_ID) && isInteger(value.quantity, 1, 100);
}

export function createOrder(database: Database, order: NewOrder): Promise<OrderCreated> {
  return database.lend(async (loan) => {
    await loan.query("BEGIN");
    try {
      const created = await insertOrder(loan, order);
      await loan.query("COMMIT");
      return created;
    } catch (error) {
      // On a connection that is gone this fails too: the first error counts.
      await loan.query("ROLLBACK").catch(() => undefined);
      throw error;
    }
  });
}

async function insertOrder(loan: Loan, order: NewOrder): Promise<OrderCreated> {
  const { customerId, productIds, quantities } = order;
  const prices = await lockProducts(loan, order);
  await loan.query({ ...TAKE_STOCK, values: [productIds, quantities] });
  const total = prices.reduce((sum, price, i) => sum + price * (quantities[i] ?? 0), 0);
  const id = await insertHead(loan, customerId, total);
  await loan.query({ ...INSERT_LINES, values: [id, productIds, quantities, prices] });
  return { id, total_cents: total };
}

/** The prices of the products, whose rows are locked. */
async function lockProducts(loan: Loan, order: NewOrder): Promise<number[]> {
  const { rows } = await loan.query<{ id: number; price_cents: number; stock: number }>({
    ...LOCK_PRODUCTS,
    values: [order.productIds],
  });
  if (rows.length < order.productIds.length) {
    throw notFound("There is no such product.");
  }
  // Both sides are in product order.
  if (rows.some((row, i) => row.stock < (order.quantities[i] ?? 0))) {
    throw outOfStock();
  }
  return rows.map((row) => row.price_cents);
}

async function insertHead(loan: Loan, customerId: number, total: number): Promise<number> {
  try {
    const { rows } = await loan.query<{ id: number }>({ ...INSERT_ORDER, values: [customerId, total] });
    // RETURNING: one row for the one that was inserted.
    return (rows as [{ id: number }])[0].id;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === FOREIGN_KEY_VIOLATION) {
      throw notFound("There is no such customer.");
    }
    throw error;
  }
}
