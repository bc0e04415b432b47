package fitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTest {
  private static final String URL = "postgresql://user:p%40ss+word@db.local:5432/shop";

  private static Config with(String name, String value) throws Config.Invalid {
    Map<String, String> environment = new HashMap<>(Map.of("PORT", "8080", "DATABASE_URL", URL));
    environment.put(name, value);
    environment.values().removeIf(String::isEmpty);
    return Config.from(environment);
  }

  @Test
  void hasDefaults() throws Config.Invalid {
    Config config = with("PORT", "65535");
    assertEquals("127.0.0.1", config.host().getHostAddress());
    assertEquals(65_535, config.port());
    assertEquals(16, config.poolSize());
    assertEquals(Runtime.getRuntime().availableProcessors(), config.cpus());
    assertEquals(
        new Config.DatabaseUrl("db.local", 5432, "shop", "user", "p@ss+word"), config.database());
  }

  @ParameterizedTest
  @CsvSource({
    "PORT,''",
    "PORT,0",
    "PORT,65536",
    "PORT,80a",
    "CPUS,0",
    "CPUS,1025",
    "CPUS,x",
    "DB_POOL_SIZE,0",
    "DB_POOL_SIZE,1001",
    "HOST,' '",
    "HOST,256.1.1.1"
  })
  void refuses(String name, String value) {
    Config.Invalid e = assertThrows(Config.Invalid.class, () -> with(name, value));
    assertEquals(name, e.getMessage().split(" ", 2)[0]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mysql://u:secret@h:1/d",
        "postgresql://u@h:1/d",
        "postgresql://u:secret@h/d",
        "postgresql://u:secret@h:1/",
        "postgresql://u:secret@h:1",
        "postgresql://u:secret@:1/d",
        "postgresql://u:secret%zz@h:1/d",
        "postgresql://u:secret@h:1/d?x=y",
        "postgresql://u:secret@h:99999/d",
        "postgresql:secret",
        "secret"
      })
  void refusesDatabaseUrlWithoutQuotingIt(String url) {
    Config.Invalid e = assertThrows(Config.Invalid.class, () -> with("DATABASE_URL", url));
    assertFalse(e.getMessage().contains("secret"));
  }
}
