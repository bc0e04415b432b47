/**
 * What the answers hold, in the order of their keys: Fastify makes a serialiser of each. It writes a bigint as an integer,
 * which JSON.stringify does not.
 */

const integer = { type: "integer" } as const;
const string = { type: "string" } as const;

export const COLLATZ = object({
  from: integer,
  count: integer,
  longest_start: integer,
  longest_steps: integer,
  total_steps: integer,
});

export const SUMMARY = object({
  orders: integer,
  regions: list({
    region: string,
    orders: integer,
    quantity: integer,
    revenue_cents: integer,
    top_customer: string,
  }),
});

export const WAITED = object({ waited_ms: integer });

export const PRODUCT = object({ id: integer, name: string, price_cents: integer, stock: integer });

export const CUSTOMER_ORDERS = object({
  customer: object({ id: integer, name: string, region: string }),
  orders: list({
    id: integer,
    created_at: string,
    status: string,
    total_cents: integer,
    lines: integer,
  }),
});

export const ORDER_CREATED = object({ id: integer, total_cents: integer });

export const REGIONS = object({
  days: integer,
  regions: list({ region: string, orders: integer, revenue_cents: integer }),
});

function object(properties: Readonly<Record<string, object>>): object {
  return { type: "object", properties, required: Object.keys(properties) };
}

function list(properties: Readonly<Record<string, object>>): object {
  return { type: "array", items: object(properties) };
}
