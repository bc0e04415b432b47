package fitmap;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.helidon.webserver.WebServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Http1Test {
  private static final Duration LIMIT = Duration.ofMillis(600);
  private static final int PAUSE_MILLIS = 50;

  /** Far above the limit: whoever is still connected then was not cut off. */
  private static final Duration LONG = Duration.ofSeconds(10);

  private static final String GET = "GET /ping HTTP/1.1\r\nhost: test\r\n\r\n";
  private static final String FIXED =
      "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n";
  private static final String CHUNKED =
      "POST /echo HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";

  private static WebServer server;

  @BeforeAll
  static void start() {
    server =
        WebServer.builder()
            .address(InetAddress.getLoopbackAddress())
            .port(0)
            .protocolsDiscoverServices(false)
            .addConnectionSelector(new Http1(LIMIT))
            .routing(
                routing ->
                    routing
                        .get("/ping", (request, response) -> response.send("pong"))
                        .get(
                            "/slow",
                            (request, response) -> {
                              Thread.sleep(LIMIT.multipliedBy(2));
                              response.send("slow");
                            })
                        .post(
                            "/echo",
                            (request, response) ->
                                response.send(request.content().inputStream().readAllBytes())))
            .shutdownHook(false)
            .build()
            .start();
  }

  @AfterAll
  static void stop() {
    server.stop();
  }

  /** One connection to the server. */
  private static final class Client implements AutoCloseable {
    private final Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    private final InputStream in = socket.getInputStream();

    Client() throws IOException {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(PAUSE_MILLIS);
    }

    void send(String text) throws IOException {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    void awaitAnswer(String end) throws IOException {
      StringBuilder answer = new StringBuilder();
      long start = System.nanoTime();
      while (!answer.toString().endsWith("\r\n\r\n" + end)) {
        assertTrue(since(start).compareTo(LONG) < 0, () -> "an answer is missing: " + answer);
        try {
          int next = in.read();
          assertTrue(next >= 0, () -> "the connection ended after " + answer);
          answer.append((char) next);
        } catch (SocketTimeoutException e) {
          // Not yet.
        }
      }
    }

    /** Sends the same bytes again and again until the connection ends, and says how long. */
    Duration drip(String text) {
      long start = System.nanoTime();
      try {
        while (since(start).compareTo(LONG) < 0) {
          send(text);
          try {
            if (in.read() < 0) {
              break;
            }
          } catch (SocketTimeoutException e) {
            // Still connected.
          }
        }
      } catch (IOException e) {
        // The end, seen by a write.
      }
      return since(start);
    }

    /** What comes until the server closes the connection. */
    String everything() throws IOException {
      socket.setSoTimeout((int) LONG.toMillis());
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /** The client's clock starts a little later than the server's. */
  private static void assertCutOff(Duration after) {
    assertTrue(after.compareTo(LIMIT.dividedBy(2)) > 0, () -> "too early: after " + after);
    assertTrue(after.compareTo(LONG) < 0, () -> "still connected after " + after);
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", ""})
  void cutsOffASlowHead(String next) throws IOException {
    try (Client client = new Client()) {
      client.send("GET /ping HTTP/1.1\r\nx: ");
      assertCutOff(client.drip(next));
    }
  }

  @Test
  void cutsOffASlowSecondHead() throws IOException {
    try (Client client = new Client()) {
      client.send(GET);
      client.awaitAnswer("pong");
      client.send("G");
      assertCutOff(client.drip(""));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"G", "GET /ping HTTP/1.1\r\nx: "})
  void cutsOffAHeadThatBeganWithTheRequestBefore(String beginning) throws IOException {
    try (Client client = new Client()) {
      client.send(GET + beginning);
      client.awaitAnswer("pong");
      assertCutOff(client.drip(""));
    }
  }

  @Test
  void cutsOffASlowBody() throws IOException {
    try (Client client = new Client()) {
      client.send(FIXED);
      assertCutOff(client.drip("x"));
    }
  }

  @Test
  void cutsOffASlowBodyInChunks() throws IOException {
    try (Client client = new Client()) {
      client.send(CHUNKED);
      assertCutOff(client.drip("1\r\nx\r\n"));
    }
  }

  @Test
  void answersRequestsThatComeTogether() throws IOException {
    try (Client client = new Client()) {
      client.send(GET + GET.replace("ping", "slow"));
      client.awaitAnswer("pong");
      client.awaitAnswer("slow");
    }
  }

  @Test
  void neitherSlowWorkNorAPauseIsCutOff() throws Exception {
    try (Client client = new Client()) {
      client.send(GET.replace("ping", "slow"));
      client.awaitAnswer("slow");
      Thread.sleep(LIMIT.multipliedBy(2));
      client.send(GET);
      client.awaitAnswer("pong");
    }
  }

  @Test
  void closesWhenTheClientAsksForIt() throws IOException {
    try (Client client = new Client()) {
      client.send(GET.replace("host", "connection: close\r\nhost"));
      client.awaitAnswer("pong");
      assertTrue(client.drip("").compareTo(LONG) < 0);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "transfer-encoding: gzip",
        "transfer-encoding: CHUNKED",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
      })
  void refusesBodiesThatItCouldTakeForTheNextRequest(String header) throws IOException {
    try (Client client = new Client()) {
      client.send(CHUNKED.replace("transfer-encoding: chunked", header) + "0\r\n\r\n" + GET);
      assertTrue(client.everything().startsWith("HTTP/1.1 400 "));
    }
  }

  @Test
  void anAlarmThatRingsAsTheReadReturnsLeavesNothing() {
    Http1.Alarm alarm = new Http1.Alarm(Thread.currentThread());
    alarm.run();
    alarm.off();
    assertFalse(Thread.interrupted());
  }

  @Test
  void anAlarmThatIsOffDoesNotRing() {
    Http1.Alarm alarm = new Http1.Alarm(Thread.currentThread());
    alarm.off();
    alarm.run();
    assertFalse(Thread.interrupted());
  }

  @Test
  void anAlarmLeavesTheInterruptOfAnother() {
    Http1.Alarm alarm = new Http1.Alarm(Thread.currentThread());
    Thread.currentThread().interrupt();
    alarm.off();
    assertTrue(Thread.interrupted());
  }
}
