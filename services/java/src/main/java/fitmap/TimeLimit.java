package fitmap;

import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An end to database work that takes too long, whatever it waits for: its connection is closed. A
 * look at all work several times a second costs less than a timer for each request.
 */
final class TimeLimit {
  private static final System.Logger LOG = System.getLogger(TimeLimit.class.getName());
  private static final Duration LOOK = Duration.ofMillis(200);

  private final Set<Running> underWay = ConcurrentHashMap.newKeySet();
  private final long mostNanos;

  /** No work takes longer than this. What is left of it at one look may be over at the next. */
  TimeLimit(Duration limit) {
    mostNanos = limit.minus(LOOK).toNanos();
    Thread.ofPlatform().daemon().name("time-limit").start(this::watch);
  }

  <T> T over(Connection connection, Database.Work<T> work) throws SQLException {
    Running running = new Running(connection);
    underWay.add(running);
    try {
      return work.on(connection);
    } finally {
      underWay.remove(running);
      running.end();
    }
  }

  private void watch() {
    try {
      while (true) {
        Thread.sleep(LOOK);
        long now = System.nanoTime();
        for (Running running : underWay) {
          if (now - running.since >= mostNanos) {
            running.abort();
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Running {
    private final long since = System.nanoTime();
    private Connection connection;

    Running(Connection connection) {
      this.connection = connection;
    }

    /** From here on the connection may be someone else's. */
    synchronized void end() {
      connection = null;
    }

    /** The driver's own connection: Agroal's would keep this to itself. */
    synchronized void abort() {
      if (connection == null) {
        return;
      }
      try {
        connection.unwrap(Connection.class).abort(Runnable::run);
      } catch (SQLException | RuntimeException e) {
        LOG.log(Level.WARNING, "a late connection could not be closed: {0}", e.getMessage());
      }
    }
  }
}
