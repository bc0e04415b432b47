package fitmap;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.agroal.api.cache.ConnectionCache;
import io.agroal.api.configuration.AgroalConnectionPoolConfiguration.ConnectionValidator;
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
import java.util.concurrent.atomic.AtomicLong;
import org.postgresql.PGStatement;

/** The pool, and the one place where its and the driver's failures become answers. */
final class Database implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Database.class.getName());
  private static final Duration ACQUISITION_TIMEOUT = Duration.ofSeconds(2);

  /** How long the database may work for a request. A statement ends after 5 s by itself. */
  private static final Duration LIMIT = Duration.ofSeconds(6);

  private static final Duration RETRY = Duration.ofMillis(200);
  private static final Duration QUIET = Duration.ofSeconds(10);
  private static final String QUERY_CANCELED = "57014";

  private final AgroalDataSource pool;
  private final int size;
  private final TimeLimit limit;
  private final AtomicLong outageQuietUntil = new AtomicLong(System.nanoTime());
  private volatile boolean opened;

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
            .connectionValidator(ConnectionValidator.defaultValidatorWithTimeout(1))
            .connectionFactoryConfiguration(connections(config.database()));
    try {
      pool =
          AgroalDataSource.from(
              new AgroalDataSourceConfigurationSupplier()
                  .connectionPoolConfiguration(poolConfiguration));
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
      for (boolean first = true; !opened; first = false) {
        SQLException failure = holdAll();
        opened = failure == null;
        if (failure != null && first) {
          LOG.log(Level.WARNING, "database not reachable, trying on: {0}", failure.getMessage());
        }
        if (failure != null) {
          Thread.sleep(RETRY);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whoever holds as many connections as the pool has knows that all are open. */
  private SQLException holdAll() {
    List<Connection> held = new ArrayList<>(size);
    try {
      while (held.size() < size) {
        held.add(pool.getConnection());
      }
      return null;
    } catch (SQLException e) {
      return e;
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
    boolean acquired = false;
    try (Connection connection = pool.getConnection()) {
      acquired = true;
      return limit.over(connection, work);
    } catch (SQLException e) {
      if (acquired && isBroken(e)) {
        // Its idle siblings were most likely lost with it: no further request shall find that out
        // for itself. The one occasion on which connections are probed.
        pool.flush(FlushMode.INVALID);
      }
      throw answer(e);
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
    // The pool's own exceptions have no state: no connection became free in time.
    boolean unavailable = e.getSQLState() == null || isBroken(e) || isTimeout(e);
    if (!unavailable) {
      LOG.log(Level.ERROR, "statement failed: [{0}] {1}", e.getSQLState(), e.getMessage());
      return ApiException.internal();
    }
    // An outage is one event, however many requests it meets.
    long now = System.nanoTime();
    long quietUntil = outageQuietUntil.get();
    if (now - quietUntil >= 0
        && outageQuietUntil.compareAndSet(quietUntil, now + QUIET.toNanos())) {
      LOG.log(Level.WARNING, "database unavailable: [{0}] {1}", e.getSQLState(), e.getMessage());
    }
    return ApiException.databaseUnavailable();
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

  /** Class 08, connection exceptions, and 57P, the server's shutting down or starting up. */
  private static boolean isBroken(SQLException e) {
    String state = e.getSQLState();
    return state != null && (state.startsWith("08") || state.startsWith("57P"));
  }

  /** What a statement that outlives statement_timeout ends in. */
  private static boolean isTimeout(SQLException e) {
    return QUERY_CANCELED.equals(e.getSQLState());
  }

  @Override
  public void close() {
    pool.close();
  }
}
