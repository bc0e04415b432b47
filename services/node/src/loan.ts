/** A connection that is lent for the database work of one request. */

import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from "pg";
import { databaseUnavailable } from "./failures.ts";

/** So long after its limit work has ended, if the server answers: the server ends each statement after 5 s. */
const SETTLE_MS = 6_000;

export class Loan {
  readonly #client: PoolClient;
  #late = false;
  #returned = false;
  #abandon: NodeJS.Timeout | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** Work that is late gets no further statement. */
  query<Row extends QueryResultRow>(statement: string | QueryConfig): Promise<QueryResult<Row>> {
    return this.#late ? Promise.reject(databaseUnavailable()) : this.#client.query<Row>(statement);
  }

  /**
   * The work has taken too long. The connection stays lent until the statement under way has ended: to close it would not
   * end that at the server, and the pool would open another one beside it. Where the server is frozen it is closed.
   */
  refuse(): void {
    this.#late = true;
    this.#abandon = setTimeout(() => this.#release(true), SETTLE_MS);
  }

  /** The work has ended. Work that was late may have left a transaction open. */
  async giveBack(broken: boolean): Promise<void> {
    let lost = broken;
    if (this.#late && !lost && !this.#returned) {
      await this.#client.query("ROLLBACK").catch(() => {
        lost = true;
      });
    }
    clearTimeout(this.#abandon);
    this.#release(lost);
  }

  #release(broken: boolean): void {
    if (!this.#returned) {
      this.#returned = true;
      this.#client.release(broken);
    }
  }
}
