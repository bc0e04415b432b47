/** One process that serves: its pool, its port, and its end. */

import type { FastifyInstance } from "fastify";
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import { Database } from "./database.ts";
import { log } from "./log.ts";

const DRAIN_MS = 10_000;
const SWEEP_MS = 50;

/** Opens the port at once, and settles when all connections of the pool have been opened. SIGTERM ends the process with 0. */
export async function serve(config: Config, poolSize: number, isReady: () => boolean): Promise<void> {
  // As process 1 it has no handler by default, so a start that is still under way needs one too.
  let stop: () => void = () => process.exit(0);
  process.on("SIGTERM", () => stop());
  process.on("SIGINT", () => stop());
  const database = new Database(config.database, poolSize);
  const app = createApp(config, database, isReady);
  await app.listen({ host: config.host, port: config.port });
  log(`listening on ${config.host} port ${config.port}, Node.js ${process.versions.node}`);
  stop = () => {
    stop = () => undefined;
    void drain(app, database);
  };
  await database.open();
}

/** Finishes what is in flight, closes the pool, and ends the process. */
async function drain(app: FastifyInstance, database: Database): Promise<never> {
  log("draining");
  // For both steps: a database that no longer answers must not hold the exit up either.
  setTimeout(() => {
    log("what was in flight is cut off");
    process.exit(0);
  }, DRAIN_MS);
  const closed = app.close();
  // Node.js closes idle connections once. Those that are busy now get idle later.
  setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  await closed;
  await database.close();
  process.exit(0);
}
