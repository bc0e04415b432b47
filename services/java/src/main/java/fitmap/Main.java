package fitmap;

import io.helidon.webserver.WebServer;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.logging.LogManager;

final class Main {
  /** EX_CONFIG of sysexits.h. */
  private static final int EXIT_CONFIGURATION = 78;

  private static final int DRAIN_SECONDS = 10;

  /** Far above the contract's limit: a body between the two gets its 413 and is read to its end. */
  private static final long LARGEST_BODY_READ = 16L * Requests.MAX_BODY;

  private Main() {}

  public static void main(String[] args) throws IOException {
    Config config;
    try {
      config = Config.from(System.getenv());
    } catch (Config.Invalid e) {
      System.err.println("configuration: " + e.getMessage());
      System.exit(EXIT_CONFIGURATION);
      return;
    }
    try (InputStream logging = Main.class.getResourceAsStream("/logging.properties")) {
      LogManager.getLogManager().readConfiguration(logging);
    }
    Database database = new Database(config);
    database.open();
    WebServer server = server(config, new Routes(database, Meta.of(config)));
    // Before it listens: SIGTERM may come at once.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> shutDown(server, database)));
    server.start();
    if (!server.isRunning()) {
      // Helidon has logged why. The hook would end with status 0.
      Runtime.getRuntime().halt(1);
    }
    System.err.println("listening on " + config.host().getHostAddress() + ":" + server.port());
  }

  private static WebServer server(Config config, Routes routes) {
    return WebServer.builder()
        .address(config.host())
        .port(config.port())
        .addRouting(routes.routing())
        .directHandlers(Routes.directHandlers())
        .maxPayloadSize(LARGEST_BODY_READ)
        // Answers over 8 KiB take two writes, the second of which Nagle would hold back.
        .connectionOptions(options -> options.tcpNoDelay(true))
        // Discovery would add a second HTTP/1.1, between which Helidon could choose only after a
        // first byte: a connection without one would then hold up the shutdown.
        .protocolsDiscoverServices(false)
        .addConnectionSelector(new Http1())
        .shutdownGracePeriod(Duration.ofSeconds(DRAIN_SECONDS))
        .shutdownHook(false)
        .build();
  }

  private static void shutDown(WebServer server, Database database) {
    server.stop();
    database.close();
    // The JVM's own exit status after SIGTERM is 143.
    Runtime.getRuntime().halt(0);
  }
}
