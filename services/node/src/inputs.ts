/** What requests may hold: integers of paths and queries, JSON bodies. */

import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { badRequest, tooLarge, unsupportedMediaType } from "./failures.ts";
import { integerOf, MOST_ID } from "./integers.ts";

const MOST_BODY_BYTES = 1_048_576;
/** Room for the beginning of a body whose length is not known. */
const FIRST_BYTES = 16_384;

/** A whole body; null: it has more bytes than it may have. */
export type Body = Buffer | null;
type Query = Readonly<Record<string, string | string[]>>;

export function pathId(request: FastifyRequest): number {
  const { id } = request.params as { id: string };
  return within("id", id, 1, MOST_ID);
}

export function queryInteger(
  request: FastifyRequest,
  name: string,
  least: number,
  most: number,
  otherwise?: number,
): number {
  const value = (request.query as Query)[name];
  if (value === undefined) {
    if (otherwise === undefined) {
      throw badRequest(`${name} is missing.`);
    }
    return otherwise;
  }
  if (typeof value !== "string") {
    throw badRequest(`${name} is given more than once.`);
  }
  return within(name, value, least, most);
}

function within(name: string, text: string, least: number, most: number): number {
  const value = integerOf(text, least, most);
  if (value === undefined) {
    throw badRequest(`${name} must be an integer from ${least} to ${most}.`);
  }
  return value;
}

/**
 * Fastify's parser of `application/json`: only reads, at most what a body may have. What is wrong with a body is a matter
 * of its handler, because an error here would close the connection, and would come before 404.
 */
export function readBody(
  request: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, body?: Body) => void,
): void {
  if (request.is404 || Number(request.headers["content-length"]) > MOST_BODY_BYTES) {
    // Node.js drops what nobody reads.
    done(null, null);
    return;
  }
  let body = Buffer.allocUnsafe(Number(request.headers["content-length"] ?? FIRST_BYTES));
  let length = 0;
  const take = (piece: Buffer): void => {
    const end = length + piece.length;
    if (end > MOST_BODY_BYTES) {
      over(null, null);
      // The rest is dropped as it comes.
      payload.resume();
      return;
    }
    // Pieces may be very small: a list of them would take far more memory than what they hold.
    if (end > body.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * body.length, end));
      body.copy(larger, 0, 0, length);
      body = larger;
    }
    piece.copy(body, length);
    length = end;
  };
  const end = (): void => over(null, body.subarray(0, length));
  // A client that is gone. Nobody gets the answer.
  const fail = (): void => over(badRequest("The body broke off."));
  const over = (error: Error | null, body?: Body): void => {
    payload.off("data", take).off("end", end).off("error", fail);
    done(error, body);
  };
  payload.on("data", take).on("end", end).on("error", fail);
}

/** The JSON document in a request's body. */
export function jsonBody(request: FastifyRequest): unknown {
  // Without a content type Fastify parses no body where there is none, and refuses one where there is.
  const body = request.body as Body | undefined;
  if (body === undefined) {
    throw unsupportedMediaType();
  }
  if (body === null) {
    throw tooLarge(MOST_BODY_BYTES);
  }
  // Decoding would put other characters in the place of bytes that are no UTF-8.
  if (!isUtf8(body)) {
    throw badRequest("The body is not UTF-8.");
  }
  try {
    return parseJson(body.toString());
  } catch {
    // A SyntaxError, or a RangeError of a reviver in a document that is very deep.
    throw badRequest("The body is not JSON.");
  }
}

/** JSON.parse, but for a number with a fraction or an exponent: this is NaN, even where it is an integer (1.0, 1e2). */
export function parseJson(text: string): unknown {
  // A reviver is slow, and most documents have nothing that looks like such a number.
  return /[0-9][.eE]/.test(text) ? JSON.parse(text, plainNumbers) : JSON.parse(text);
}

function plainNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && /[.eE]/.test(context?.source ?? "") ? Number.NaN : value;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A JSON object, whose keys are not checked yet. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isInteger(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && least <= (value as number) && (value as number) <= most;
}
