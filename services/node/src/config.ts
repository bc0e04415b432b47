/** Configuration from the environment, checked once before anything starts. */

import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { integerOf } from "./integers.ts";

/** A value is missing or malformed. The message is one line and never holds a password. */
export class ConfigError extends Error {}

export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly database: DatabaseAddress;
  readonly poolSize: number;
  readonly cpus: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readConfig(environment: Environment): Config {
  return {
    host: host(environment.HOST ?? "127.0.0.1"),
    port: integer(environment, "PORT", 65_535),
    database: parseAddress(required(environment, "DATABASE_URL")),
    poolSize: integer(environment, "DB_POOL_SIZE", 1_000, 16),
    // What the process may run on, not what the machine has: a CPU set counts.
    cpus: integer(environment, "CPUS", 1_024, availableParallelism()),
  };
}

/** The connections of one worker: shares add up to the pool size, but no worker goes without. */
export function poolShare(config: Config, worker: number): number {
  const share = Math.floor(config.poolSize / config.cpus);
  return Math.max(1, worker < config.poolSize % config.cpus ? share + 1 : share);
}

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined) {
    throw new ConfigError(`${name} is missing`);
  }
  return value;
}

function integer(environment: Environment, name: string, most: number, otherwise?: number): number {
  if (otherwise !== undefined && environment[name] === undefined) {
    return otherwise;
  }
  const value = integerOf(required(environment, name), 1, most);
  if (value === undefined) {
    throw new ConfigError(`${name} must be an integer from 1 to ${most}`);
  }
  return value;
}

function host(text: string): string {
  if (text !== "localhost" && isIP(text) === 0) {
    throw new ConfigError("HOST must be an IP address or localhost");
  }
  return text;
}

function parseAddress(text: string): DatabaseAddress {
  const found = address(text);
  if (found === undefined) {
    // Never the text itself, which holds the password.
    throw new ConfigError("DATABASE_URL must have the form postgresql://user:password@host:port/name");
  }
  return found;
}

function address(text: string): DatabaseAddress | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== "postgresql:" || /[?#]/.test(text)) {
    return undefined;
  }
  const port = integerOf(url.port, 1, 65_535);
  const user = decoded(url.username);
  const password = decoded(url.password);
  const database = decoded(url.pathname.slice(1));
  if (!port || !user || !password || !url.hostname || !database || database.includes("/")) {
    return undefined;
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, user, password, database };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
