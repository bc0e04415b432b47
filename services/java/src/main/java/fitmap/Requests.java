package fitmap;

import io.helidon.common.buffers.DataReader;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.HeaderNames;
import io.helidon.http.RequestException;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.DirectTransportRequest;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;

/** What a request says, checked as the contract wants it. */
final class Requests {
  static final int MAX_BODY = 1_048_576;

  private Requests() {}

  static int id(ServerRequest request) {
    return integer("id", request.path().pathParameters().get("id"), 1, Integer.MAX_VALUE);
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
    try {
      // Not closed here: closing reads to the end, and after broken chunks there is none.
      InputStream content = request.content().inputStream();
      if (declared.isPresent()) {
        byte[] body = new byte[(int) declared.getAsLong()];
        int read = content.readNBytes(body, 0, body.length);
        return read == body.length ? body : Arrays.copyOf(body, read);
      }
      byte[] body = content.readNBytes(MAX_BODY + 1);
      if (body.length > MAX_BODY) {
        throw ApiException.tooLarge();
      }
      return body;
    } catch (DataReader.InsufficientDataAvailableException e) {
      throw new CloseConnectionException("the client left in the middle of a body", e);
    } catch (RequestException | NumberFormatException e) {
      // With keep-alive Helidon would wait for the rest.
      throw RequestException.builder()
          .type(EventType.BAD_REQUEST)
          .request(DirectTransportRequest.create(request.prologue(), request.headers()))
          .message("The body is not well-formed HTTP.")
          .setKeepAlive(false)
          .build();
    }
  }
}
