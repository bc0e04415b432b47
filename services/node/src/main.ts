/** The Node.js target of fitmap: one small HTTP service over one PostgreSQL. */

import cluster from "node:cluster";
import { supervise, work } from "./cluster.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { log, words } from "./log.ts";
import { serve } from "./serve.ts";

const EXIT_CONFIG = 78; // EX_CONFIG of sysexits.h

function configured(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`configuration: ${error.message}\n`);
      process.exit(EXIT_CONFIG);
    }
    throw error;
  }
}

async function single(config: Config): Promise<void> {
  let ready = false;
  await serve(config, config.poolSize, () => ready);
  ready = true;
}

const config = configured();
try {
  if (cluster.isWorker) {
    await work(config);
  } else if (config.cpus === 1) {
    await single(config);
  } else {
    supervise(config);
  }
} catch (error) {
  log(`stopped: ${words(error)}`);
  process.exit(1);
}
