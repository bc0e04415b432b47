package fitmap

import io.ktor.server.application.ApplicationStopped
import io.vertx.core.Vertx
import io.vertx.core.VertxOptions
import io.vertx.core.file.FileSystemOptions
import org.slf4j.LoggerFactory
import kotlin.system.exitProcess

private const val EXIT_CONFIG = 78

private val log = LoggerFactory.getLogger("fitmap")

fun main() {
    val config =
        try {
            Config.from(System.getenv())
        } catch (error: ConfigError) {
            System.err.println("configuration: ${error.message}")
            exitProcess(EXIT_CONFIG)
        }
    val store = Store(vertx(config.cpus), config)
    val server = server(config, store)
    // Raised by Ktor's shutdown hook, after the drain. Before the server listens: SIGTERM may come at once.
    server.monitor.subscribe(ApplicationStopped) {
        log.info("stopped")
        // The JVM's own exit status after SIGTERM is 143.
        Runtime.getRuntime().halt(0)
    }
    try {
        server.start()
    } catch (failure: Exception) {
        // The driver's event loops are no daemons: without an exit they would outlive main.
        log.failure("could not serve", failure)
        exitProcess(1)
    }
    log.info("listening on {}:{}", config.host, config.port)
}

/** What the database driver runs on. */
private fun vertx(cpus: Int): Vertx =
    Vertx.vertx(
        VertxOptions()
            .setEventLoopPoolSize(cpus)
            .setPreferNativeTransport(true)
            // The cache is for files served from the class path; there are none.
            .setFileSystemOptions(FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)),
    )
