package fitmap;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;

/** What a request says, checked as the contract wants it. */
final class Requests {
  static final int MAX_BODY = 1_048_576;

  private Requests() {}

  static int id(ServerRequest request) {
    // Helidon leaves out what follows a semicolon.
    String id =
        request.path().rawPath().indexOf(';') < 0 ? request.path().pathParameters().get("id") : "";
    return integer("id", id, 1, Integer.MAX_VALUE);
  }

  static int parameter(ServerRequest request, String name, int min, int max) {
    String value = single(request.query().rawValue(), name);
    if (value == null) {
      throw ApiException.badRequest("The parameter " + name + " is missing.");
    }
    return integer(name, value, min, max);
  }

  static int parameter(ServerRequest request, String name, int min, int max, int fallback) {
    String value = single(request.query().rawValue(), name);
    return value == null ? fallback : integer(name, value, min, max);
  }

  private static int integer(String name, String value, int min, int max) {
    int parsed = Integers.parse(value, min, max);
    if (parsed == Integers.INVALID) {
      throw ApiException.badRequest(name + " must be an integer from " + min + " to " + max + ".");
    }
    return parsed;
  }

  /**
   * The parameter's value, or null where there is none. Helidon's own query map loses a name
   * without a value where the same name has one, so that "ms=5&ms" would count as given once.
   */
  static String single(String query, String name) {
    String found = null;
    for (int start = 0; start < query.length(); ) {
      int ampersand = query.indexOf('&', start);
      int end = ampersand < 0 ? query.length() : ampersand;
      int equals = query.indexOf('=', start);
      int nameEnd = equals < 0 || equals > end ? end : equals;
      if (decode(query.substring(start, nameEnd)).equals(name)) {
        if (found != null) {
          throw ApiException.badRequest("The parameter " + name + " is given twice.");
        }
        found = nameEnd == end ? "" : decode(query.substring(nameEnd + 1, end));
      }
      start = end + 1;
    }
    return found;
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest("The query is not percent-encoded.");
    }
  }

  /** The whole body, in the contract's order of checks: 415, then 413. */
  static byte[] jsonBody(ServerRequest request) throws IOException {
    String contentType = request.headers().first(HeaderNames.CONTENT_TYPE).orElse("");
    int semicolon = contentType.indexOf(';');
    String mediaType = semicolon < 0 ? contentType : contentType.substring(0, semicolon);
    if (!mediaType.trim().equalsIgnoreCase("application/json")) {
      throw ApiException.unsupportedMediaType();
    }
    OptionalLong declared = request.headers().contentLength();
    if (declared.orElse(0) > MAX_BODY) {
      throw ApiException.tooLarge();
    }
    byte[] body = read(request, declared);
    if (body.length > MAX_BODY) {
      throw ApiException.tooLarge();
    }
    return body;
  }

  /** Of a body without a length at most one byte more than it may have. */
  private static byte[] read(ServerRequest request, OptionalLong declared) throws IOException {
    try {
      // Not closed here: closing reads to the end, and after broken chunks there is none.
      InputStream content = request.content().inputStream();
      // It takes memory as the body comes, not on the word of its length.
      return content.readNBytes((int) declared.orElse(MAX_BODY + 1));
    } catch (RuntimeException e) {
      // The client has left, or its chunks are broken, for which Helidon has many exceptions. With
      // an answer it would wait for the rest of them.
      throw new CloseConnectionException("the body did not arrive", e);
    }
  }
}
