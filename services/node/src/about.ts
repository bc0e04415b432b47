/** What the service says about itself: versions as the running program sees them. */

import { createRequire } from "node:module";
import type { FastifyInstance } from "fastify";
import type { Config } from "./config.ts";
import { CLASS } from "./variant.ts";

const driver = createRequire(import.meta.url)("pg/package.json") as { version: string };

export function about(app: FastifyInstance, config: Config): Readonly<Record<string, string | number>> {
  return {
    target: "node",
    language: "Node.js",
    runtime: `Node.js ${process.versions.node}`,
    framework: `Fastify ${app.version}`,
    driver: `pg ${driver.version}`,
    class: CLASS,
    cpus: config.cpus,
    db_pool_size: config.poolSize,
  };
}
