/** One worker for each CPU: the primary accepts connections and deals them out in turn. */

import cluster, { type Worker } from "node:cluster";
import { type Config, poolShare } from "./config.ts";
import { log } from "./log.ts";
import { serve } from "./serve.ts";

/** A worker's number, from 0 on, in its environment. */
const NUMBER = "FITMAP_WORKER";
const READY = "ready";
const ALL_READY = "all ready";

/** Starts the workers, passes SIGTERM on, and ends when they have. */
export function supervise(config: Config): void {
  const workers = Array.from({ length: config.cpus }, (_, i) => cluster.fork({ [NUMBER]: String(i) }));
  const ready = new Set<Worker>();
  let stopping = false;
  let status = 0;
  const stop = (): void => {
    stopping = true;
    for (const worker of workers) {
      worker.process.kill("SIGTERM");
    }
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  cluster.on("message", (worker, message) => {
    if (message === READY && ready.add(worker).size === workers.length) {
      for (const each of workers) {
        each.send(ALL_READY);
      }
    }
  });
  cluster.on("exit", (worker, code, signal) => {
    if (!stopping) {
      // Whoever runs the container shall see it, rather than be served by what is left.
      log(`worker ${worker.id} ended by itself (${signal ?? code})`);
      stop();
      status = 1;
    }
    status ||= code ?? 1;
    if (workers.every((each) => each.isDead())) {
      process.exit(status);
    }
  });
}

/** One worker. */
export async function work(config: Config): Promise<void> {
  let allReady = false;
  process.on("message", (message) => {
    allReady ||= message === ALL_READY;
  });
  await serve(config, poolShare(config, Number(process.env[NUMBER])), () => allReady);
  process.send?.(READY);
}
