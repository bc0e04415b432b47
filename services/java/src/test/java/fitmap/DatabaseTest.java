package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.helidon.http.Status;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseTest {
  private static final Duration LIMIT = Duration.ofMillis(500);

  /** Notes what is called on it. COMMIT hangs until the connection is aborted, if it shall. */
  private static final class Recorder {
    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch aborted = new CountDownLatch(1);
    private final boolean hangs;
    private final Connection connection =
        (Connection)
            Proxy.newProxyInstance(
                Recorder.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> called(proxy, method.getName()));

    Recorder(boolean hangs) {
      this.hangs = hangs;
    }

    private Object called(Object proxy, String name) throws Exception {
      if (name.equals("unwrap")) {
        return proxy;
      }
      calls.add(name);
      if (name.equals("abort")) {
        aborted.countDown();
      }
      if (name.equals("commit") && hangs && aborted.await(20, TimeUnit.SECONDS)) {
        throw new SQLException("closed", "08006");
      }
      return null;
    }
  }

  @Test
  void commits() throws SQLException {
    Recorder recorder = new Recorder(false);
    assertEquals("kept", Database.transaction(recorder.connection, connection -> "kept"));
    assertEquals(List.of("setAutoCommit", "commit"), recorder.calls);
  }

  @ParameterizedTest
  @ValueSource(
      classes = {SQLException.class, IllegalStateException.class, StackOverflowError.class})
  void rollsBackWhateverWasThrown(Class<? extends Throwable> type) throws Exception {
    Throwable thrown = type.getConstructor(String.class).newInstance("broken");
    Recorder recorder = new Recorder(false);
    Database.Work<Integer> work =
        connection -> {
          switch (thrown) {
            case SQLException e -> throw e;
            case RuntimeException e -> throw e;
            default -> throw (Error) thrown;
          }
        };
    assertSame(thrown, assertThrows(type, () -> Database.transaction(recorder.connection, work)));
    assertEquals(List.of("setAutoCommit", "rollback"), recorder.calls);
  }

  @Test
  void commitIsUnderTheLimit() {
    Recorder recorder = new Recorder(true);
    TimeLimit limit = new TimeLimit(LIMIT);
    assertThrows(
        SQLException.class,
        () ->
            limit.over(
                recorder.connection,
                connection -> Database.transaction(connection, ignored -> null)));
    assertEquals(List.of("setAutoCommit", "commit", "abort", "rollback"), recorder.calls);
  }

  @Test
  void whatHasEndedIsLeftAlone() throws Exception {
    Recorder recorder = new Recorder(false);
    TimeLimit limit = new TimeLimit(LIMIT);
    assertEquals("done", limit.over(recorder.connection, connection -> "done"));
    Thread.sleep(LIMIT.multipliedBy(2));
    assertEquals(List.of(), recorder.calls);
  }

  /** No single read of this takes long, so a timeout for reads does not end it. */
  @Test
  void endsAnAnswerThatDribbles() throws Exception {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket server = new ServerSocket(0, 0, loopback)) {
      Thread.ofVirtual().start(() -> accept(server));
      Config.DatabaseUrl url =
          new Config.DatabaseUrl(
              loopback.getHostAddress(), server.getLocalPort(), "name", "user", "password");
      Config config = new Config(loopback, 1, url, 1, 1);
      try (Database database = new Database(config, new TimeLimit(LIMIT))) {
        long start = System.nanoTime();
        ApiException e = assertThrows(ApiException.class, new Store(database)::ping);
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertEquals(Status.SERVICE_UNAVAILABLE_503, e.status());
        assertTrue(took.toSeconds() < 5, () -> "it took " + took);
      }
    }
  }

  private static void accept(ServerSocket server) {
    try {
      while (true) {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> dribble(socket));
      }
    } catch (IOException e) {
      // The test is over.
    }
  }

  /** As much of PostgreSQL as it takes to connect, and then a notice that does not end. */
  private static void dribble(Socket socket) {
    try (socket) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      int protocol;
      do {
        byte[] message = in.readNBytes(in.readInt() - Integer.BYTES);
        protocol = (message[0] << 8) | message[1];
        if (protocol != 3) {
          out.write('N'); // no TLS
        }
      } while (protocol != 3);
      out.write('R');
      out.writeInt(8);
      out.writeInt(0);
      for (String parameter :
          List.of(
              "client_encoding\0UTF8\0",
              "server_version\00018.0\0",
              "DateStyle\0ISO\0",
              "integer_datetimes\0on\0",
              "standard_conforming_strings\0on\0",
              "TimeZone\0UTC\0")) {
        out.write('S');
        out.writeInt(Integer.BYTES + parameter.length());
        out.write(parameter.getBytes(StandardCharsets.US_ASCII));
      }
      out.write('Z');
      out.writeInt(5);
      out.write('I');
      in.readByte();
      out.write('N');
      out.writeInt(100_000);
      while (true) {
        out.write('x');
        Thread.sleep(50);
      }
    } catch (IOException e) {
      // The other side has closed the connection.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
