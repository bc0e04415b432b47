/** Every way a request can fail, and the answer each becomes. */

export class Failure extends Error {
  readonly status: number;
  /** The machine word of the answer. */
  readonly word: string;

  constructor(status: number, word: string, detail: string) {
    super(detail);
    this.status = status;
    this.word = word;
  }

  get answer(): { error: string; detail: string } {
    return { error: this.word, detail: this.message };
  }
}

export const badRequest = (detail: string) => new Failure(400, "bad_request", detail);
export const notFound = (detail: string) => new Failure(404, "not_found", detail);
export const noRoute = () => notFound("There is no such route.");
export const methodNotAllowed = (method: string) =>
  new Failure(405, "method_not_allowed", `The route takes ${method} only.`);
export const outOfStock = () => new Failure(409, "out_of_stock", "A product has too little stock.");
export const tooLarge = (most: number) => new Failure(413, "too_large", `The body may have ${most} bytes at most.`);
export const unsupportedMediaType = () =>
  new Failure(415, "unsupported_media_type", "The body must be application/json.");
export const internal = () => new Failure(500, "internal", "The service has a bug.");
export const databaseUnavailable = () =>
  new Failure(503, "database_unavailable", "The database did not answer in time.");
