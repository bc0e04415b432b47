import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PoolClient } from "pg";
import { Loan } from "../src/loan.ts";

const SETTLE_MS = 6_000;

/** A connection that notes what it is asked for. `hangs`: no statement ends. */
function lent(hangs = false): { loan: Loan; said: string[] } {
  const said: string[] = [];
  const client = {
    query: (text: string) => {
      said.push(text);
      return hangs ? new Promise(() => undefined) : Promise.resolve({ rows: [] });
    },
    release: (broken: boolean) => said.push(broken ? "closed" : "given back"),
  };
  return { loan: new Loan(client as unknown as PoolClient), said };
}

function unavailable(error: unknown): boolean {
  return (error as { status: number }).status === 503;
}

test("work in time goes without a further statement", async () => {
  const { loan, said } = lent();
  await loan.query("SELECT 1");
  await loan.giveBack(false);
  assert.deepEqual(said, ["SELECT 1", "given back"]);
});

test("a broken connection is closed", async () => {
  const { loan, said } = lent();
  await loan.giveBack(true);
  assert.deepEqual(said, ["closed"]);
});

test("work that is late gets no further statement, and what it began is rolled back", async (context: TestContext) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { loan, said } = lent();
  await loan.query("BEGIN");
  loan.refuse();
  await assert.rejects(loan.query("COMMIT"), unavailable);
  assert.deepEqual(said, ["BEGIN"]);
  await loan.giveBack(false);
  context.mock.timers.tick(SETTLE_MS);
  assert.deepEqual(said, ["BEGIN", "ROLLBACK", "given back"]);
});

test("a connection to a frozen server is closed once", async (context: TestContext) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { loan, said } = lent(true);
  void loan.query("SELECT 1");
  loan.refuse();
  context.mock.timers.tick(SETTLE_MS - 1);
  assert.deepEqual(said, ["SELECT 1"]);
  context.mock.timers.tick(1);
  assert.deepEqual(said, ["SELECT 1", "closed"]);
  await loan.giveBack(true);
  assert.deepEqual(said, ["SELECT 1", "closed"]);
});
