package fitmap;

import io.helidon.http.Method;
import io.helidon.http.Status;

/** An answer other than success. Without stack trace: these are answers, not bugs. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Status status;
  private final transient Method allow;
  private final String error;

  private ApiException(Status status, String error, String detail, Method allow) {
    super(detail, null, false, false);
    this.status = status;
    this.error = error;
    this.allow = allow;
  }

  static ApiException badRequest(String detail) {
    return new ApiException(Status.BAD_REQUEST_400, "bad_request", detail, null);
  }

  static ApiException notFound(String detail) {
    return new ApiException(Status.NOT_FOUND_404, "not_found", detail, null);
  }

  static ApiException methodNotAllowed(Method allow) {
    String detail = "This route answers " + allow.text() + " alone.";
    return new ApiException(Status.METHOD_NOT_ALLOWED_405, "method_not_allowed", detail, allow);
  }

  static ApiException outOfStock() {
    return new ApiException(
        Status.CONFLICT_409, "out_of_stock", "A product has too little stock.", null);
  }

  static ApiException tooLarge() {
    String detail = "The body is larger than 1,048,576 bytes.";
    return new ApiException(Status.REQUEST_ENTITY_TOO_LARGE_413, "too_large", detail, null);
  }

  static ApiException unsupportedMediaType() {
    String detail = "The content type must be application/json.";
    return new ApiException(
        Status.UNSUPPORTED_MEDIA_TYPE_415, "unsupported_media_type", detail, null);
  }

  static ApiException databaseUnavailable() {
    String detail = "The database did not answer in time.";
    return new ApiException(Status.SERVICE_UNAVAILABLE_503, "database_unavailable", detail, null);
  }

  static ApiException internal() {
    return new ApiException(
        Status.INTERNAL_SERVER_ERROR_500, "internal", "Something went wrong here.", null);
  }

  Status status() {
    return status;
  }

  /** The method that the route has, where it lacks the requested one; otherwise null. */
  Method allow() {
    return allow;
  }

  Body body() {
    return new Body(error, getMessage());
  }

  record Body(String error, String detail) {}
}
