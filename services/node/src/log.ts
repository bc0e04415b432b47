/** Logs go to standard error, a line an event. */

export function log(event: string): void {
  process.stderr.write(`${new Date().toISOString()} ${process.pid} ${event.replaceAll("\n", " | ")}\n`);
}

/** An error as one event: without its stack, unless it is a bug. */
export function words(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message || "no message"}` : String(error);
}
