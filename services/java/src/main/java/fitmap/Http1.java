package fitmap;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.common.task.InterruptableTask;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.http.RequestException;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionListener;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Helidon's HTTP/1.1, with an end to connections that Helidon would leave open. A client that takes
 * more than 10 s to send the head of a request, or 10 s more to send its body, is cut off:
 * Helidon's own timeouts are for silence, not for slowness. And a connection is closed after the
 * answer to "connection: close": Helidon waits for the client to do that.
 */
final class Http1 implements ServerConnectionSelector {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final long limitNanos;
  private final ScheduledThreadPoolExecutor alarms =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().daemon().name("slow-senders").factory());
  private final ServerConnectionSelector http1 =
      Http1ConnectionSelector.builder()
          .config(
              // Unknown parameters are ignored, whatever characters they hold.
              Http1Config.builder().validatePrologue(false).addReceiveListener(new Heads()).build())
          .build();

  Http1() {
    this(LIMIT);
  }

  Http1(Duration limit) {
    limitNanos = limit.toNanos();
    alarms.setRemoveOnCancelPolicy(true);
  }

  @Override
  public int bytesToIdentifyConnection() {
    return http1.bytesToIdentifyConnection();
  }

  @Override
  public Support supports(BufferData data) {
    return http1.supports(data);
  }

  @Override
  public Set<String> supportedApplicationProtocols() {
    return http1.supportedApplicationProtocols();
  }

  @Override
  public ServerConnection connection(ConnectionContext context) {
    Client client = new Client(context, alarms, limitNanos);
    ServerConnection connection = http1.connection(client);
    client.connection = (InterruptableTask<?>) connection;
    return connection;
  }

  /**
   * Helidon knows "chunked" in this writing alone, and takes a body in any other transfer coding
   * for the next request. A length besides is refused too: someone on the way may go by it.
   */
  private static void refuseOddBodies(Headers headers) {
    if (!headers.contains(HeaderNames.TRANSFER_ENCODING)) {
      return;
    }
    if (!headers.contains(HeaderValues.TRANSFER_ENCODING_CHUNKED)
        || headers.contains(HeaderNames.CONTENT_LENGTH)) {
      throw RequestException.builder()
          .type(EventType.BAD_REQUEST)
          .message("The body is not well-formed HTTP.")
          .setKeepAlive(false)
          .build();
    }
  }

  private static final class Heads implements Http1ConnectionListener {
    @Override
    public void prologue(ConnectionContext context, HttpPrologue prologue) {
      ((Client) context).headBegins();
    }

    @Override
    public void headers(ConnectionContext context, Headers headers) {
      ((Client) context).headArrived(headers);
      refuseOddBodies(headers);
    }
  }

  /** Interrupts a thread, unless that has what it waited for. */
  static final class Alarm implements Runnable {
    private final Thread reading;
    private boolean off;
    private boolean rang;

    Alarm(Thread reading) {
      this.reading = reading;
    }

    @Override
    public synchronized void run() {
      if (!off) {
        rang = true;
        reading.interrupt();
      }
    }

    /** By the thread itself. Whatever it waits for next shall not find an interrupt of this one. */
    synchronized void off() {
      off = true;
      if (rang) {
        Thread.interrupted();
      }
    }
  }

  /** The context of one connection, whose reader keeps the time. Confined to its thread. */
  private static final class Client implements ConnectionContext, Supplier<byte[]> {
    private final ConnectionContext context;
    private final HelidonSocket socket;
    private final ScheduledThreadPoolExecutor alarms;
    private final long limitNanos;
    private final DataReader reader = DataReader.create(this);
    private InterruptableTask<?> connection;
    private boolean inHead;
    private boolean closing;
    private long deadline;

    Client(ConnectionContext context, ScheduledThreadPoolExecutor alarms, long limitNanos) {
      this.context = context;
      this.socket = context.serverSocket();
      this.alarms = alarms;
      this.limitNanos = limitNanos;
    }

    /** Called more than once for a head: its time begins with the first. */
    void headBegins() {
      if (!inHead) {
        inHead = true;
        deadline = System.nanoTime() + limitNanos;
      }
    }

    void headArrived(Headers headers) {
      inHead = false;
      closing = headers.containsToken(HeaderValues.CONNECTION_CLOSE);
      deadline = System.nanoTime() + limitNanos;
    }

    /** The next bytes of the client. */
    @Override
    public byte[] get() {
      // Helidon may interrupt a connection while it waits for a request line.
      boolean beforeHead = connection.canInterrupt() && !inHead;
      if (!beforeHead) {
        return readInTime();
      }
      if (closing) {
        throw new CloseConnectionException("as the client asked");
      }
      if (reader.available() > 0) {
        // The beginning of the line came along with the request before.
        headBegins();
        return readInTime();
      }
      byte[] bytes = read();
      headBegins();
      return bytes;
    }

    private byte[] readInTime() {
      Alarm alarm = new Alarm(Thread.currentThread());
      long left = deadline - System.nanoTime();
      Future<?> scheduled = alarms.schedule(alarm, left, TimeUnit.NANOSECONDS);
      try {
        return read();
      } finally {
        scheduled.cancel(false);
        alarm.off();
      }
    }

    private byte[] read() {
      try {
        return socket.get();
      } catch (UncheckedIOException e) {
        throw new ServerConnectionException("the connection ended", e);
      }
    }

    @Override
    public DataReader dataReader() {
      return reader;
    }

    @Override
    public ListenerContext listenerContext() {
      return context.listenerContext();
    }

    @Override
    public ExecutorService executor() {
      return context.executor();
    }

    @Override
    public DataWriter dataWriter() {
      return context.dataWriter();
    }

    @Override
    public Router router() {
      return context.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
      return context.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
      return socket;
    }

    @Override
    public PeerInfo remotePeer() {
      return context.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
      return context.localPeer();
    }

    @Override
    public boolean isSecure() {
      return context.isSecure();
    }

    @Override
    public String socketId() {
      return context.socketId();
    }

    @Override
    public String childSocketId() {
      return context.childSocketId();
    }
  }
}
