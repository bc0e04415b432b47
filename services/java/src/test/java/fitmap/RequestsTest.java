package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.ServerRequestHeaders;
import io.helidon.http.WritableHeaders;
import io.helidon.http.media.ReadableEntity;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestsTest {
  @ParameterizedTest
  @ValueSource(strings = {"ms=5", "%6Ds=%35", "x=1&ms=5&x=2&y", "&&ms=5&", "mss=1&ms=5"})
  void findsTheParameter(String query) {
    assertEquals("5", Requests.single(query, "ms"));
  }

  @Test
  void tellsMissingFromEmpty() {
    assertNull(Requests.single("", "ms"));
    assertNull(Requests.single("MS=1", "ms"));
    assertEquals("", Requests.single("ms", "ms"));
    assertEquals("", Requests.single("ms=", "ms"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ms=1&ms=2", "ms=1&ms=1", "ms&ms=1", "ms=1&ms", "ms=%zz"})
  void refuses(String query) {
    assertThrows(ApiException.class, () -> Requests.single(query, "ms"));
  }

  @Test
  void aLengthAloneTakesLittleMemory() throws IOException {
    AtomicInteger room = new AtomicInteger();
    InputStream nothing =
        new InputStream() {
          @Override
          public int read() {
            return -1;
          }

          @Override
          public int read(byte[] into, int start, int length) {
            room.accumulateAndGet(into.length, Math::max);
            return -1;
          }
        };
    WritableHeaders<?> headers = WritableHeaders.create();
    headers.set(HeaderValues.CONTENT_TYPE_JSON);
    headers.set(HeaderNames.CONTENT_LENGTH, String.valueOf(Requests.MAX_BODY));
    ReadableEntity entity = answering(ReadableEntity.class, Map.of("inputStream", nothing));
    ServerRequest request =
        answering(
            ServerRequest.class,
            Map.of("headers", ServerRequestHeaders.create(headers), "content", entity));
    assertEquals(0, Requests.jsonBody(request).length);
    assertTrue(room.get() <= 65_536, () -> room + " bytes");
  }

  private static <T> T answering(Class<T> type, Map<String, Object> answers) {
    InvocationHandler handler = (proxy, method, arguments) -> answers.get(method.getName());
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
