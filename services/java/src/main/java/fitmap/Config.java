package fitmap;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Everything the environment says, checked once at start. */
record Config(InetAddress host, int port, DatabaseUrl database, int poolSize, int cpus) {

  /** The message names the variable and never its value, which may hold the password. */
  static final class Invalid extends Exception {
    private static final long serialVersionUID = 1L;

    Invalid(String message) {
      super(message);
    }
  }

  record DatabaseUrl(String host, int port, String name, String user, String password) {
    @Override
    public String toString() {
      return host + ":" + port + "/" + name;
    }
  }

  static Config from(Map<String, String> environment) throws Invalid {
    return new Config(
        host(environment.getOrDefault("HOST", "127.0.0.1")),
        integer(environment, "PORT", 65_535, Integers.INVALID),
        databaseUrl(environment.get("DATABASE_URL")),
        integer(environment, "DB_POOL_SIZE", 1_000, 16),
        // The launcher has already turned CPUS into -XX:ActiveProcessorCount.
        integer(environment, "CPUS", 1_024, Runtime.getRuntime().availableProcessors()));
  }

  private static InetAddress host(String value) throws Invalid {
    try {
      // An empty name would silently mean loopback.
      if (!value.isBlank()) {
        return InetAddress.getByName(value);
      }
    } catch (UnknownHostException e) {
      // Same answer as for an empty one.
    }
    throw new Invalid("HOST must be an address or a name that resolves");
  }

  private static int integer(Map<String, String> environment, String name, int max, int fallback)
      throws Invalid {
    String value = environment.get(name);
    int parsed = value == null ? fallback : Integers.parse(value, 1, max);
    if (parsed == Integers.INVALID) {
      throw new Invalid(name + " must be an integer from 1 to " + max);
    }
    return parsed;
  }

  private static DatabaseUrl databaseUrl(String value) throws Invalid {
    if (value == null) {
      throw new Invalid("DATABASE_URL is missing");
    }
    try {
      URI uri = new URI(value);
      String userInfo = uri.getRawUserInfo();
      int colon = userInfo == null ? -1 : userInfo.indexOf(':');
      String path = uri.getRawPath();
      if ("postgresql".equals(uri.getScheme())
          && uri.getHost() != null
          && uri.getPort() > 0
          && uri.getPort() <= 65_535
          && uri.getRawQuery() == null
          && uri.getRawFragment() == null
          && colon > 0
          && colon < userInfo.length() - 1
          && path.length() > 1
          && path.indexOf('/', 1) < 0) {
        return new DatabaseUrl(
            uri.getHost(),
            uri.getPort(),
            decode(path.substring(1)),
            decode(userInfo.substring(0, colon)),
            decode(userInfo.substring(colon + 1)));
      }
    } catch (URISyntaxException | IllegalArgumentException e) {
      // Their messages quote the URL, password and all.
    }
    throw new Invalid("DATABASE_URL must look like postgresql://user:password@host:port/name");
  }

  /** URLDecoder is for forms, where a plus sign is a space. */
  private static String decode(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
