import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, poolShare, readConfig } from "../src/config.ts";

const LEAST = { PORT: "8080", DATABASE_URL: "postgresql://me:p%40ss%2Fword@db:5432/shop" };

test("what is not given has a default, and the password is decoded", () => {
  const config = readConfig(LEAST);
  assert.deepEqual([config.host, config.port, config.poolSize], ["127.0.0.1", 8080, 16]);
  assert.deepEqual(config.database, {
    host: "db",
    port: 5432,
    user: "me",
    password: "p@ss/word",
    database: "shop",
  });
  assert.ok(config.cpus >= 1);
});

test("an IPv6 address is taken without its brackets", () => {
  const config = readConfig({ ...LEAST, DATABASE_URL: "postgresql://me:secret@[::1]:5432/shop" });
  assert.equal(config.database.host, "::1");
});

const WRONG: Record<string, string>[] = [
  { PORT: "" },
  { PORT: "0" },
  { PORT: "65536" },
  { PORT: "+80" },
  { PORT: "80a" },
  { HOST: "nowhere" },
  { DB_POOL_SIZE: "1001" },
  { CPUS: "1.5" },
  { DATABASE_URL: "secret" },
  { DATABASE_URL: "mysql://me:secret@db:5432/shop" },
  { DATABASE_URL: "postgresql://me:secret@db:99999/shop" },
  { DATABASE_URL: "postgresql://me:secret@db:5432" },
  { DATABASE_URL: "postgresql://me:secret@db:5432/shop/more" },
  { DATABASE_URL: "postgresql://me:secret@db:5432/shop?x=secret" },
  { DATABASE_URL: "postgresql://me@db:5432/shop" },
  { DATABASE_URL: "postgresql://me:secret%zz@db:5432/shop" },
];

test("what is malformed is named, without the secret", () => {
  for (const wrong of WRONG) {
    assert.throws(
      () => readConfig({ ...LEAST, ...wrong }),
      (error: Error) =>
        error instanceof ConfigError &&
        error.message.startsWith(Object.keys(wrong)[0] ?? "?") &&
        !error.message.includes("secret"),
      JSON.stringify(wrong),
    );
  }
  assert.throws(() => readConfig({ PORT: "8080" }), /^ConfigError|DATABASE_URL is missing/);
});

test("workers share the pool, and none goes without", () => {
  const shares = (poolSize: number, cpus: number) => {
    const config = { ...readConfig(LEAST), poolSize, cpus };
    return Array.from({ length: cpus }, (_, worker) => poolShare(config, worker));
  };
  assert.deepEqual(shares(5, 2), [3, 2]);
  assert.deepEqual(shares(16, 1), [16]);
  assert.deepEqual(shares(1, 3), [1, 1, 1]);
});
