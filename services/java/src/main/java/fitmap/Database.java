package fitmap;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.agroal.api.AgroalDataSourceListener;
import io.agroal.api.cache.ConnectionCache;
import io.agroal.api.configuration.supplier.AgroalConnectionFactoryConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalConnectionPoolConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.security.NamePrincipal;
import io.agroal.api.security.SimplePassword;
import java.lang.System.Logger.Level;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.postgresql.PGStatement;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** The pool, and the one place where its and the driver's failures become answers. */
final class Database implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Database.class.getName());
  private static final Duration ACQUISITION_TIMEOUT = Duration.ofSeconds(2);

  /** How long the database may work for a request. A statement ends after 5 s by itself. */
  private static final Duration LIMIT = Duration.ofSeconds(6);

  private static final Duration RETRY = Duration.ofMillis(200);
  private static final Duration QUIET = Duration.ofSeconds(10);

  /** SQLSTATE of a statement that outlives statement_timeout. */
  static final String QUERY_CANCELED = "57014";

  private final AgroalDataSource pool;
  private final int size;
  private final TimeLimit limit;
  private final AtomicLong outageQuietUntil = new AtomicLong(System.nanoTime());
  private volatile boolean opened;

  /** A connection broke, its siblings were dropped, and no work has succeeded since. */
  private final AtomicBoolean flushed = new AtomicBoolean();

  @FunctionalInterface
  interface Work<T> {
    T on(Connection connection) throws SQLException;
  }

  /** Connects to nothing yet, see {@link #open}. */
  Database(Config config) {
    this(config, new TimeLimit(LIMIT));
  }

  Database(Config config, TimeLimit limit) {
    this.size = config.poolSize();
    this.limit = limit;
    // Agroal validates no connection, neither on acquisition nor in the background, unless it is
    // told to.
    AgroalConnectionPoolConfigurationSupplier poolConfiguration =
        new AgroalConnectionPoolConfigurationSupplier()
            .minSize(size)
            .maxSize(size)
            .acquisitionTimeout(ACQUISITION_TIMEOUT)
            // By default a thread keeps the connection that it used last. With a thread for each
            // HTTP connection that cache is mostly stale, and lets a busy thread pass the waiting.
            .connectionCache(ConnectionCache.none())
            .exceptionSorter(Database::isBroken)
            .connectionFactoryConfiguration(connections(config.database()));
    try {
      pool =
          AgroalDataSource.from(
              new AgroalDataSourceConfigurationSupplier()
                  .connectionPoolConfiguration(poolConfiguration),
              new AgroalDataSourceListener() {
                @Override
                public void onConnectionCreationFailure(SQLException e) {
                  logOutage(e);
                }
              });
    } catch (SQLException e) {
      throw new IllegalStateException("the pool refused its configuration", e);
    }
  }

  private static AgroalConnectionFactoryConfigurationSupplier connections(Config.DatabaseUrl url) {
    String name = URLEncoder.encode(url.name(), StandardCharsets.UTF_8);
    return new AgroalConnectionFactoryConfigurationSupplier()
        .connectionProviderClassName("org.postgresql.Driver")
        .jdbcUrl("jdbc:postgresql://" + url.host() + ":" + url.port() + "/" + name)
        .principal(new NamePrincipal(url.user()))
        .credential(new SimplePassword(url.password()))
        .jdbcProperty("options", "-c statement_timeout=5000")
        // For BEGIN and COMMIT; the rest is prepared, see prepare.
        .jdbcProperty("prepareThreshold", "0")
        // What pgjdbc would otherwise SET after connecting travels in the startup packet.
        .jdbcProperty("assumeMinServerVersion", "12")
        .jdbcProperty("ApplicationName", "fitmap-java")
        .jdbcProperty("connectTimeout", "2")
        // For one read. It ends the opening of a connection to a server that has stopped answering;
        // the work on one has its TimeLimit.
        .jdbcProperty("socketTimeout", String.valueOf(LIMIT.toSeconds()));
  }

  /**
   * Opens all connections, in a thread of its own, however long the database may take to come up.
   */
  void open() {
    Thread.ofVirtual().name("pool-opener").start(this::openAll);
  }

  private void openAll() {
    try {
      while (!holdAll()) {
        Thread.sleep(RETRY);
      }
      opened = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whoever holds as many connections as the pool has knows that all are open. */
  private boolean holdAll() {
    List<Connection> held = new ArrayList<>(size);
    try {
      while (held.size() < size) {
        held.add(pool.getConnection());
      }
      return true;
    } catch (SQLException e) {
      return false;
    } catch (RuntimeException e) {
      // A bug of the pool or the driver. Without this nobody would hear of it, or try again.
      LOG.log(Level.ERROR, "a connection could not be opened", e);
      return false;
    } finally {
      held.forEach(Database::release);
    }
  }

  private static void release(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOG.log(Level.WARNING, "a connection did not return to the pool: {0}", e.getMessage());
    }
  }

  /**
   * Whether all connections were open at once. From then on only a statement can tell how the
   * database is.
   */
  boolean opened() {
    return opened;
  }

  /** Work on one connection. */
  <T> T with(Work<T> work) {
    try (Connection connection = acquire()) {
      return limited(connection, work);
    } catch (SQLException e) {
      throw answer(e);
    }
  }

  private <T> T limited(Connection connection, Work<T> work) throws SQLException {
    try {
      T result = limit.over(connection, work);
      if (flushed.get()) {
        flushed.set(false);
      }
      return result;
    } catch (SQLException e) {
      // Its siblings were most likely lost with it: no further request shall find that out for
      // itself. Idle ones go now, lent ones when they come back. Once in an outage: those that
      // were opened since are sound. (FlushMode.IDLE goes no lower than minSize, which is all.)
      if (isBroken(e) && flushed.compareAndSet(false, true)) {
        pool.flush(FlushMode.GRACEFUL);
      }
      throw e;
    }
  }

  private Connection acquire() {
    try {
      return pool.getConnection();
    } catch (SQLException e) {
      // None became free in time, or the server refused one, which the pool's listener logs.
      throw ApiException.databaseUnavailable();
    } catch (RuntimeException e) {
      // While one was opened, for the pool hands that on as it is.
      LOG.log(Level.ERROR, "a connection could not be opened", e);
      throw ApiException.databaseUnavailable();
    }
  }

  /** Work of several statements, all or none of which are kept. */
  <T> T transaction(Work<T> work) {
    return with(connection -> transaction(connection, work));
  }

  static <T> T transaction(Connection connection, Work<T> work) throws SQLException {
    connection.setAutoCommit(false);
    try {
      T result = work.on(connection);
      connection.commit();
      return result;
    } catch (Throwable e) {
      rollback(connection, e);
      throw e;
    }
  }

  private static void rollback(Connection connection, Throwable cause) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      // The server rolls back what a lost connection leaves behind; the cause is the news.
      cause.addSuppressed(e);
    }
  }

  private ApiException answer(SQLException e) {
    if (isBroken(e) || isShort(e)) {
      logOutage(e);
    } else if (!isTimeout(e)) {
      LOG.log(Level.ERROR, "statement failed: [{0}] {1}", e.getSQLState(), e.getMessage());
      return ApiException.internal();
    }
    return ApiException.databaseUnavailable();
  }

  /** An outage is one event, however many requests it meets. */
  private void logOutage(SQLException e) {
    long now = System.nanoTime();
    long quietUntil = outageQuietUntil.get();
    if (now - quietUntil >= 0
        && outageQuietUntil.compareAndSet(quietUntil, now + QUIET.toNanos())) {
      LOG.log(Level.WARNING, "database unavailable: [{0}] {1}", e.getSQLState(), e.getMessage());
    }
  }

  /**
   * Prepares on the server at the first execution on a connection, not the fifth. The threshold is
   * set here and not for the connection because that one would prepare COMMIT too, and
   * pg_stat_statements counts a prepared utility statement once, however often it is executed.
   */
  static PreparedStatement prepare(Connection connection, String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    statement.unwrap(PGStatement.class).setPrepareThreshold(1);
    return statement;
  }

  /**
   * Class 08, connection exceptions, 57P, the server's shutting down or starting up, and whatever
   * else the server closes the connection after, such as a lack of memory (class 53).
   */
  private static boolean isBroken(SQLException e) {
    return isOf("08", e) || isOf("57P", e) || isFatal(e);
  }

  private static boolean isFatal(SQLException e) {
    ServerErrorMessage message = e instanceof PSQLException p ? p.getServerErrorMessage() : null;
    return message != null
        && ("FATAL".equals(message.getSeverity()) || "PANIC".equals(message.getSeverity()));
  }

  /** Class 53: the server has no memory, or no room on its disk. */
  private static boolean isShort(SQLException e) {
    return isOf("53", e);
  }

  private static boolean isOf(String states, SQLException e) {
    return e.getSQLState() != null && e.getSQLState().startsWith(states);
  }

  /** A statement or the whole work took too long, which says nothing about the database. */
  private static boolean isTimeout(SQLException e) {
    return QUERY_CANCELED.equals(e.getSQLState());
  }

  @Override
  public void close() {
    pool.close();
  }
}
