package fitmap;

import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.postgresql.PGConnection;

/**
 * An end to database work that takes too long, whatever it waits for. The server is asked to cancel
 * the statement: to close the connection would not end it, and the pool would open another one
 * beside it. Where that does not help, the connection is closed all the same: the server is frozen.
 * A look at all work several times a second costs less than a timer for each request.
 */
final class TimeLimit {
  private static final System.Logger LOG = System.getLogger(TimeLimit.class.getName());
  private static final Duration LOOK = Duration.ofMillis(200);

  /** How long before the limit a cancel is sent, so that there is time for it. */
  private static final Duration EARLY = Duration.ofMillis(500);

  private final Set<Running> underWay = ConcurrentHashMap.newKeySet();
  private final long cancelNanos;
  private final long abortNanos;

  /** No work takes longer than this. What is left of it at one look may be over at the next. */
  TimeLimit(Duration limit) {
    cancelNanos = limit.minus(EARLY).toNanos();
    abortNanos = limit.minus(LOOK).toNanos();
    Thread.ofPlatform().daemon().name("time-limit").start(this::watch);
  }

  <T> T over(Connection connection, Database.Work<T> work) throws SQLException {
    Running running = new Running(connection);
    T result;
    underWay.add(running);
    try {
      result = work.on(connection);
    } catch (Throwable e) {
      end(running, e);
      throw e;
    }
    end(running, null);
    return result;
  }

  /** Work whose connection had to be closed has failed, also where it had just ended. */
  private void end(Running running, Throwable cause) throws SQLTimeoutException {
    boolean aborted = running.end();
    underWay.remove(running);
    if (aborted) {
      showClosed(running.connection);
      throw new SQLTimeoutException("the work took too long", Database.QUERY_CANCELED, cause);
    }
  }

  /**
   * The pool takes back as sound what it has not seen fail, and closing went past it. Any use of
   * the connection shows it.
   */
  private static void showClosed(Connection connection) {
    try {
      connection.clearWarnings();
    } catch (SQLException e) {
      // It is closed.
    }
  }

  private void watch() {
    try {
      while (true) {
        Thread.sleep(LOOK);
        long now = System.nanoTime();
        for (Running running : underWay) {
          long took = now - running.since;
          if (took >= abortNanos) {
            running.abort();
          } else if (took >= cancelNanos) {
            running.cancel();
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Running {
    private final long since = System.nanoTime();
    private final Connection connection;
    private boolean ended;
    private boolean cancelled;
    private boolean cancelling;
    private boolean aborted;

    Running(Connection connection) {
      this.connection = connection;
    }

    /** Returns whether the connection was closed. If not, it may be someone else's from here on. */
    synchronized boolean end() {
      try {
        // A cancel that is still on its way would meet the next one's statement. The watch ends
        // this wait by closing the connection.
        while (cancelling && !aborted) {
          wait();
        }
      } catch (InterruptedException e) {
        abort();
        Thread.currentThread().interrupt();
      }
      ended = true;
      return aborted;
    }

    /** In a thread of its own: the driver connects for it, and waits until the server has it. */
    synchronized void cancel() {
      if (ended || cancelled) {
        return;
      }
      cancelled = true;
      cancelling = true;
      Thread.ofVirtual().name("cancel").start(this::sendCancel);
    }

    private void sendCancel() {
      try {
        connection.unwrap(PGConnection.class).cancelQuery();
      } catch (SQLException | RuntimeException e) {
        LOG.log(Level.DEBUG, "a late statement could not be cancelled", e);
      }
      synchronized (this) {
        cancelling = false;
        notifyAll();
      }
    }

    /** The driver's own connection: Agroal's would keep this to itself. */
    synchronized void abort() {
      if (ended || aborted) {
        return;
      }
      aborted = true;
      notifyAll();
      try {
        connection.unwrap(Connection.class).abort(Runnable::run);
      } catch (SQLException | RuntimeException e) {
        LOG.log(Level.WARNING, "a late connection could not be closed: {0}", e.getMessage());
      }
    }
  }
}
