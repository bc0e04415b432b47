/** The application of one process: its routes, and what becomes of requests that are wrong. */

import { METHODS } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  type RouteHandlerMethod,
} from "fastify";
import { about } from "./about.ts";
import { collatz } from "./collatz.ts";
import type { Config } from "./config.ts";
import type { Database } from "./database.ts";
import { badRequest, Failure, internal, methodNotAllowed, noRoute, unsupportedMediaType } from "./failures.ts";
import { jsonBody, pathId, queryInteger, readBody } from "./inputs.ts";
import { log } from "./log.ts";
import { checkOrder, createOrder } from "./orders.ts";
import * as schemas from "./schemas.ts";
import { checkHealth, customerOrders, product, productSlow, regions } from "./store.ts";
import { checkOrders, summarize } from "./summarize.ts";

const HEAD_MS = 10_000;
const REQUEST_MS = 20_000;
const CHECK_MS = 500;

/** `isReady`: whether the pools of all processes are open. */
export function createApp(config: Config, database: Database, isReady: () => boolean): FastifyInstance {
  const app = fastify({
    // From the first byte of a request. Between two requests nothing is limited but by Fastify's keepAliveTimeout, 72 s.
    requestTimeout: REQUEST_MS,
    http: {
      headersTimeout: HEAD_MS,
      connectionsCheckingInterval: CHECK_MS,
      // The hook below refuses such a request. Node.js's own answer comes in chunks.
      requireHostHeader: false,
    },
    // A request that is late or not HTTP: an answer could be taken for that of a request before it.
    clientErrorHandler: (_error, socket) => socket.destroy(),
    // A request that arrives while the service drains is answered as any other.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    frameworkErrors: (_error, request, reply) => refuse(badRequest("The path is malformed."), request, reply),
  });
  // An expectation that HTTP does not know is no reason to answer otherwise.
  app.server.on("checkExpectation", app.routing);
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method) && method !== "CONNECT") {
      app.addHttpMethod(method);
    }
  }
  // Only what the contract takes, and read as it says.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", readBody);
  app.addHook("onRequest", checkHead);
  app.setNotFoundHandler((request, reply) => refuse(noRoute(), request, reply));
  app.setErrorHandler(refuse);

  /** `answers`: status -> schema. */
  const route = (
    method: "GET" | "POST",
    url: string,
    handler: RouteHandlerMethod,
    answers: Readonly<Record<number, object>> = {},
  ): void => {
    app.route({ method, url, handler, schema: { response: answers } });
    // Any other method ends here, before its body is read. Fastify's own answer would be 404.
    const onRequest = async (_request: FastifyRequest, reply: FastifyReply) => {
      reply.header("allow", method);
      throw methodNotAllowed(method);
    };
    const others = app.supportedMethods.filter((other) => other !== method);
    app.route({ method: others, url, onRequest, handler });
  };

  const meta = about(app, config);

  route("GET", "/health", async (_request, reply) => {
    if (isReady() && (await isHealthy(database))) {
      return { status: "ok" };
    }
    return reply.code(503).send({ status: "starting" });
  });

  route("GET", "/meta", async () => meta);

  route("GET", "/ping", async (_request, reply) => reply.type("text/plain").send("pong"));

  route(
    "GET",
    "/cpu/collatz",
    async (request) => {
      const from = queryInteger(request, "from", 1, 1_000_000);
      const count = queryInteger(request, "count", 1, 100_000);
      return collatz(from, count);
    },
    { 200: schemas.COLLATZ },
  );

  route("POST", "/cpu/summarize", async (request) => summarize(checkOrders(jsonBody(request))), {
    200: schemas.SUMMARY,
  });

  route(
    "GET",
    "/wait",
    async (request) => {
      const ms = queryInteger(request, "ms", 0, 10_000);
      await sleep(ms);
      return { waited_ms: ms };
    },
    { 200: schemas.WAITED },
  );

  route("GET", "/products/:id", async (request) => product(database, pathId(request)), { 200: schemas.PRODUCT });

  route(
    "GET",
    "/products/:id/slow",
    async (request) => {
      const id = pathId(request);
      return productSlow(database, id, queryInteger(request, "ms", 0, 1_000));
    },
    { 200: schemas.PRODUCT },
  );

  route(
    "GET",
    "/customers/:id/orders",
    async (request) => {
      const id = pathId(request);
      return customerOrders(database, id, queryInteger(request, "limit", 1, 100, 20));
    },
    { 200: schemas.CUSTOMER_ORDERS },
  );

  route(
    "POST",
    "/orders",
    async (request, reply) => {
      const created = await createOrder(database, checkOrder(jsonBody(request)));
      return reply.code(201).header("location", `/orders/${created.id}`).send(created);
    },
    { 201: schemas.ORDER_CREATED },
  );

  route("GET", "/reports/regions", async (request) => regions(database, queryInteger(request, "days", 1, 365)), {
    200: schemas.REGIONS,
  });

  return app;
}

async function isHealthy(database: Database): Promise<boolean> {
  try {
    await checkHealth(database);
    return true;
  } catch (error) {
    if (error instanceof Failure) {
      return false;
    }
    throw error;
  }
}

/** Refuses what passes Node.js and Fastify: HTTP/1.1 without a host, and a path whose `:id` is empty, which is no route. */
function checkHead(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
  if (request.headers.host === undefined && request.raw.httpVersion === "1.1") {
    reply.header("connection", "close");
    done(badRequest("The request is not HTTP."));
  } else if ((request.params as { id?: string }).id === "") {
    done(noRoute());
  } else {
    done();
  }
}

/** Answers a request that failed. What is not a Failure, or an error of Fastify's own about the request, is a bug. */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = failureOf(error, request);
  return reply.code(failure.status).send(failure.answer);
}

function failureOf(error: unknown, request: FastifyRequest): Failure {
  if (error instanceof Failure) {
    return error;
  }
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return unsupportedMediaType();
  }
  if (statusCode !== undefined && 400 <= statusCode && statusCode < 500) {
    return badRequest("The request is malformed.");
  }
  log(`${request.method} ${request.url} failed: ${(error as Error).stack ?? error}`);
  return internal();
}
