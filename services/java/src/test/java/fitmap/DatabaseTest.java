package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
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
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

class DatabaseTest {
  private static final Duration LIMIT = Duration.ofMillis(800);

  /** What ends a COMMIT that hangs. */
  private enum Ending {
    ITSELF,
    CANCEL,
    ABORT
  }

  /** Notes what is called on it. */
  private static final class Recorder {
    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch cancelling = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);
    private final Ending ending;
    private final Connection connection =
        (Connection)
            Proxy.newProxyInstance(
                Recorder.class.getClassLoader(),
                new Class<?>[] {Connection.class, PGConnection.class},
                (proxy, method, arguments) -> called(proxy, method.getName()));

    Recorder(Ending ending) {
      this.ending = ending;
    }

    private Object called(Object proxy, String name) throws Exception {
      if (name.equals("unwrap")) {
        return proxy;
      }
      calls.add(name);
      switch (name) {
        case "cancelQuery" -> {
          cancelling.countDown();
          if (ending == Ending.CANCEL) {
            over.countDown();
          } else {
            Thread.sleep(100);
          }
          calls.add("cancelled");
        }
        case "abort" -> over.countDown();
        case "commit" -> {
          if (ending != Ending.ITSELF && over.await(20, TimeUnit.SECONDS)) {
            throw new SQLException("ended", ending == Ending.CANCEL ? "57014" : "08006");
          }
        }
        default -> {}
      }
      return null;
    }
  }

  @Test
  void commits() throws SQLException {
    Recorder recorder = new Recorder(Ending.ITSELF);
    assertEquals("kept", Database.transaction(recorder.connection, connection -> "kept"));
    assertEquals(List.of("setAutoCommit", "commit"), recorder.calls);
  }

  @ParameterizedTest
  @ValueSource(
      classes = {SQLException.class, IllegalStateException.class, StackOverflowError.class})
  void rollsBackWhateverWasThrown(Class<? extends Throwable> type) throws Exception {
    Throwable thrown = type.getConstructor(String.class).newInstance("broken");
    Recorder recorder = new Recorder(Ending.ITSELF);
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
  void lateWorkIsCancelledAtTheServer() {
    Recorder recorder = new Recorder(Ending.CANCEL);
    assertEquals("57014", lateCommit(recorder).getSQLState());
    assertTrue(recorder.calls.containsAll(List.of("setAutoCommit", "cancelled", "rollback")));
    assertFalse(recorder.calls.contains("abort"), recorder.calls::toString);
  }

  @Test
  void whereThatDoesNotHelpTheConnectionIsClosed() {
    Recorder recorder = new Recorder(Ending.ABORT);
    assertInstanceOf(SQLTimeoutException.class, lateCommit(recorder));
    List<String> calls =
        List.of(
            "setAutoCommit",
            "commit",
            "cancelQuery",
            "cancelled",
            "abort",
            "rollback",
            "clearWarnings");
    assertEquals(calls, recorder.calls);
  }

  private static SQLException lateCommit(Recorder recorder) {
    return assertThrows(
        SQLException.class,
        () ->
            new TimeLimit(LIMIT)
                .over(
                    recorder.connection,
                    connection -> Database.transaction(connection, ignored -> null)));
  }

  @Test
  void aCancelMeetsNobodyElsesStatement() throws Exception {
    Recorder recorder = new Recorder(Ending.ITSELF);
    String result = new TimeLimit(LIMIT).over(recorder.connection, c -> await(recorder.cancelling));
    assertEquals("done", result);
    assertEquals(List.of("cancelQuery", "cancelled"), recorder.calls);
  }

  private static String await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return "done";
  }

  @Test
  void whatHasEndedIsLeftAlone() throws Exception {
    Recorder recorder = new Recorder(Ending.ITSELF);
    TimeLimit limit = new TimeLimit(LIMIT);
    assertEquals("done", limit.over(recorder.connection, connection -> "done"));
    Thread.sleep(LIMIT.multipliedBy(2));
    assertEquals(List.of(), recorder.calls);
  }

  /** No single read of this takes long, so a timeout for reads does not end it. */
  @Test
  void endsAnAnswerThatDribblesAndCostsNoOtherConnection() throws Exception {
    try (Server server = new Server("");
        Lines lines = new Lines();
        Database database = server.database(2, LIMIT)) {
      open(database);
      long start = System.nanoTime();
      assertUnavailable(database);
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      assertTrue(took.toSeconds() < 5, () -> "it took " + took);
      // Others would be closed, and opened again, in the background.
      Thread.sleep(300);
      assertEquals(3, server.greeted.get());
      assertEquals(List.of(), lines.logged);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"53200", "57P01"})
  void oneThatBreaksTakesItsSiblingsAlongOnce(String state) throws Exception {
    try (Server server = new Server("", state);
        Lines lines = new Lines();
        Database database = server.database(3, LIMIT)) {
      open(database);
      assertUnavailable(database);
      Thread.sleep(300);
      assertEquals(6, server.greeted.get());
      assertUnavailable(database);
      Thread.sleep(300);
      assertEquals(7, server.greeted.get());
      assertEquals(1, lines.logged.size(), lines.logged::toString);
    }
  }

  private static void open(Database database) throws InterruptedException {
    database.open();
    for (int i = 0; i < 500 && !database.opened(); i++) {
      Thread.sleep(10);
    }
    assertTrue(database.opened());
  }

  /** It had no statement under way, so that nothing but the clock ends it. */
  @Test
  void aConnectionThatWasClosedAsItsWorkEndedIsNobodyElses() throws Exception {
    try (Server server = new Server("");
        Lines lines = new Lines();
        Database database = server.database(1, LIMIT)) {
      Database.Work<String> work = connection -> await(closing(connection));
      ApiException e = assertThrows(ApiException.class, () -> database.with(work));
      assertEquals(Status.SERVICE_UNAVAILABLE_503, e.status());
      boolean closed = database.with(connection -> connection.unwrap(Connection.class).isClosed());
      assertFalse(closed);
      assertEquals(List.of(), lines.logged);
    }
  }

  private static CountDownLatch closing(Connection connection) throws SQLException {
    Connection drivers = connection.unwrap(Connection.class);
    CountDownLatch closed = new CountDownLatch(1);
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (!drivers.isClosed()) {
                  Thread.sleep(5);
                }
              } catch (SQLException | InterruptedException e) {
                throw new AssertionError(e);
              }
              closed.countDown();
            });
    return closed;
  }

  @ParameterizedTest
  @ValueSource(strings = {"53300", "28P01", "28000", "3D000"})
  void whatTheServerRefusesIsUnavailable(String state) throws Exception {
    try (Server server = new Server(state);
        Lines lines = new Lines();
        Database database = server.database(1, LIMIT)) {
      assertUnavailable(database);
      assertUnavailable(database);
      assertEquals(1, lines.logged.size(), lines.logged::toString);
    }
  }

  @Test
  void aBusyPoolIsNoOutage() throws Exception {
    try (Server server = new Server("");
        Lines lines = new Lines();
        Database database = server.database(1, Duration.ofMinutes(1))) {
      database.with(
          connection -> {
            assertUnavailable(database);
            return null;
          });
      assertEquals(List.of(), lines.logged);
    }
  }

  private static void assertUnavailable(Database database) {
    ApiException e = assertThrows(ApiException.class, new Store(database)::ping);
    assertEquals(Status.SERVICE_UNAVAILABLE_503, e.status());
  }

  /** What the class under test logs. */
  private static final class Lines extends Handler implements AutoCloseable {
    private static final Logger LOGGER = Logger.getLogger(Database.class.getName());

    private final List<String> logged = Collections.synchronizedList(new ArrayList<>());

    Lines() {
      LOGGER.addHandler(this);
    }

    @Override
    public void publish(LogRecord line) {
      logged.add(line.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      LOGGER.removeHandler(this);
    }
  }

  /**
   * As much of PostgreSQL as it takes to connect, or to refuse that with a state. To a statement it
   * answers with a notice that does not end, or with a state and the end of the connection.
   */
  private static final class Server implements AutoCloseable {
    private final ServerSocket socket = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    private final AtomicInteger greeted = new AtomicInteger();
    private final String refusal;
    private final String breakage;

    Server(String refusal) throws IOException {
      this(refusal, "");
    }

    Server(String refusal, String breakage) throws IOException {
      this.refusal = refusal;
      this.breakage = breakage;
      Thread.ofVirtual().start(this::accept);
    }

    Database database(int size, Duration limit) {
      InetAddress host = socket.getInetAddress();
      Config.DatabaseUrl url =
          new Config.DatabaseUrl(
              host.getHostAddress(), socket.getLocalPort(), "name", "user", "password");
      return new Database(new Config(host, 1, url, size, 1), new TimeLimit(limit));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }

    private void accept() {
      try {
        while (true) {
          Socket connection = socket.accept();
          Thread.ofVirtual().start(() -> serve(connection));
        }
      } catch (IOException e) {
        // The test is over.
      }
    }

    private void serve(Socket connection) {
      try (connection) {
        DataInputStream in = new DataInputStream(connection.getInputStream());
        DataOutputStream out = new DataOutputStream(connection.getOutputStream());
        int protocol;
        do {
          byte[] message = in.readNBytes(in.readInt() - Integer.BYTES);
          protocol = (message[0] << 8) | message[1];
          if (protocol != 3) {
            out.write('N'); // no TLS
          }
        } while (protocol != 3);
        if (!refusal.isEmpty()) {
          fatal(out, refusal);
          return;
        }
        message(out, 'R', "\0\0\0\0");
        for (String parameter :
            List.of(
                "client_encoding\0UTF8\0",
                "server_version\00018.0\0",
                "DateStyle\0ISO\0",
                "integer_datetimes\0on\0",
                "standard_conforming_strings\0on\0",
                "TimeZone\0UTC\0")) {
          message(out, 'S', parameter);
        }
        message(out, 'Z', "I");
        greeted.incrementAndGet();
        // With its first connection the pool asks for this.
        if (statement(in).contains("TRANSACTION ISOLATION")) {
          message(out, '1', "");
          message(out, '2', "");
          message(out, 'T', "\0\1level\0\0\0\0\0\0\0\0\0\0\31\0\0\0\0\0\0\0\0");
          message(out, 'D', "\0\1\0\0\0\16read committed");
          message(out, 'C', "SHOW\0");
          message(out, 'Z', "I");
          statement(in);
        }
        if (!breakage.isEmpty()) {
          fatal(out, breakage);
          return;
        }
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

    /** What comes up to the next Sync. */
    private static String statement(DataInputStream in) throws IOException {
      StringBuilder text = new StringBuilder();
      byte type;
      do {
        type = in.readByte();
        byte[] content = in.readNBytes(in.readInt() - Integer.BYTES);
        text.append(new String(content, StandardCharsets.US_ASCII));
      } while (type != 'S');
      return text.toString();
    }

    private static void fatal(DataOutputStream out, String state) throws IOException {
      message(out, 'E', "SFATAL\0VFATAL\0C" + state + "\0Mso it is\0\0");
    }

    private static void message(DataOutputStream out, char type, String content)
        throws IOException {
      out.write(type);
      out.writeInt(Integer.BYTES + content.length());
      out.write(content.getBytes(StandardCharsets.US_ASCII));
    }
  }
}
