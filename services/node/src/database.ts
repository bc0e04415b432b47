/** The connection pool of one process. */

import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError, Pool, type PoolClient, types } from "pg";
import type { DatabaseAddress } from "./config.ts";
import { databaseUnavailable } from "./failures.ts";
import { Loan } from "./loan.ts";
import { log, words } from "./log.ts";

const CONNECT_MS = 2_000;
const STATEMENT_MS = 5_000;
const WORK_MS = 6_000;
const RETRY_MS = 100;

const QUERY_CANCELED = "57014"; // by statement_timeout
/** Classes of SQLSTATE: the connection, resources, the operator. */
const OUTAGES = ["08", "53", "57"];

// The driver hands int8 on as text, because a number may be too small for it. No value of the contract's tables is: counts,
// ids and sums of an order stay below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export class Database {
  readonly #pool: Pool;
  readonly #size: number;
  readonly #lost = new WeakSet<PoolClient>();
  #opened = false;
  #away = false;

  constructor(address: DatabaseAddress, size: number) {
    this.#size = size;
    this.#pool = new Pool({
      ...address,
      max: size,
      // By default an idle connection is closed after 10 s.
      idleTimeoutMillis: 0,
      // For a new connection, and for one that is busy.
      connectionTimeoutMillis: CONNECT_MS,
      // Part of the start-up message: no statement of its own.
      statement_timeout: STATEMENT_MS,
      application_name: "fitmap-node",
    });
    this.#pool.on("connect", (client) => {
      // Without a listener the end of a connection that is lent would be an uncaught error.
      client.on("error", () => this.#lost.add(client));
    });
    // The same for an idle one, which the pool has dropped by then.
    this.#pool.on("error", (error) => this.#unavailable(error));
  }

  /** Opens all connections, trying until the database is there. The pool would open each only when it is needed. */
  async open(): Promise<void> {
    while (!this.#pool.ending) {
      const connecting = Array.from({ length: this.#size }, () => this.#pool.connect());
      const results = await Promise.allSettled(connecting);
      let failure: unknown;
      for (const result of results) {
        if (result.status === "fulfilled") {
          result.value.release();
        } else {
          failure = result.reason;
        }
      }
      if (failure === undefined) {
        this.#opened = true;
        this.#reached();
        log(`the pool is open: ${this.#size} connections`);
        return;
      }
      this.#unavailable(failure);
      await sleep(RETRY_MS);
    }
  }

  /** Lends a connection for the database work of one request, which gets an answer after six seconds at most. */
  async lend<Result>(work: (loan: Loan) => Promise<Result>): Promise<Result> {
    if (!this.#opened) {
      throw databaseUnavailable();
    }
    const client = await this.#connect();
    const loan = new Loan(client);
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const limit = setTimeout(() => {
      loan.refuse();
      reject(databaseUnavailable());
    }, WORK_MS);
    try {
      return await Promise.race([this.#work(client, loan, work), tooLate]);
    } finally {
      clearTimeout(limit);
    }
  }

  /** The connection goes back when the work has ended, even if nobody waits for that any more. */
  async #work<Result>(client: PoolClient, loan: Loan, work: (loan: Loan) => Promise<Result>): Promise<Result> {
    let broken = false;
    try {
      const result = await work(loan);
      this.#reached();
      return result;
    } catch (error) {
      // The pool closes a connection on any error of its own `query`. A statement that failed leaves it sound.
      broken = this.#lost.has(client) || isOutage(error);
      if (broken) {
        throw this.#unavailable(error);
      }
      if (error instanceof DatabaseError && error.code === QUERY_CANCELED) {
        throw databaseUnavailable();
      }
      throw error;
    } finally {
      await loan.giveBack(broken);
    }
  }

  /** Closes the pool; the port has no more requests by then. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      // A pool that is whole but busy says nothing about the database.
      if (this.#pool.totalCount === this.#size) {
        throw databaseUnavailable();
      }
      throw this.#unavailable(error);
    }
  }

  #reached(): void {
    if (this.#away) {
      this.#away = false;
      log("the database is reached");
    }
  }

  /** Logs the first of a row of failures only. */
  #unavailable(error: unknown): Error {
    if (!this.#away) {
      this.#away = true;
      log(`the database is unavailable: ${words(error)}`);
    }
    return databaseUnavailable();
  }
}

function isOutage(error: unknown): boolean {
  return (
    error instanceof DatabaseError && error.code !== QUERY_CANCELED && OUTAGES.includes(error.code?.slice(0, 2) ?? "")
  );
}
