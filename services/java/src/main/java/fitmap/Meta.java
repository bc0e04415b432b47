package fitmap;

import io.agroal.api.AgroalDataSource;
import io.helidon.common.Version;
import org.postgresql.Driver;

/** The answer of GET /meta. */
record Meta(
    String target,
    String language,
    String runtime,
    String framework,
    String driver,
    @com.fasterxml.jackson.annotation.JsonProperty("class") String targetClass,
    int cpus,
    int dbPoolSize) {

  static Meta of(Config config) {
    return new Meta(
        "java",
        "Java",
        System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"),
        "Helidon SE " + Version.VERSION,
        "pgjdbc " + version(Driver.class) + ", Agroal " + version(AgroalDataSource.class),
        Variant.CLASS,
        config.cpus(),
        config.poolSize());
  }

  private static String version(Class<?> type) {
    return type.getPackage().getImplementationVersion();
  }
}
