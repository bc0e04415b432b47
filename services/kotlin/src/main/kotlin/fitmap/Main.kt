package fitmap

import io.netty.channel.EventLoopGroup
import io.vertx.core.Vertx
import io.vertx.core.VertxOptions
import io.vertx.core.file.FileSystemOptions
import io.vertx.core.internal.VertxInternal
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.slf4j.LoggerFactory
import sun.misc.Signal
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
    // A signal that the JVM handles itself ends it with status 143.
    val terminated = CompletableDeferred<Unit>()
    listOf("TERM", "INT").forEach { name -> Signal.handle(Signal(name)) { terminated.complete(Unit) } }
    try {
        runBlocking { serve(config, terminated) }
    } catch (failure: Exception) {
        // The event loops are no daemons: without an exit they would outlive main.
        log.error("could not serve", failure)
        exitProcess(1)
    }
    exitProcess(0)
}

private suspend fun serve(
    config: Config,
    terminated: CompletableDeferred<Unit>,
) = coroutineScope {
    val vertx = vertx(config.cpus)
    val store = Store(vertx, config)
    val server = Server(config, eventLoops(vertx)) { service(store, Meta.of(config)) }
    server.start()
    log.info("listening on {}:{}", config.host, config.port)
    val opening = launch { store.open() }

    terminated.await()
    log.info("stopping")
    opening.cancel()
    server.drain()
    store.close()
    server.stop()
    log.info("stopped")
}

private fun vertx(cpus: Int): Vertx =
    Vertx.vertx(
        VertxOptions()
            .setEventLoopPoolSize(cpus)
            .setPreferNativeTransport(true)
            // The cache is for files served from the class path; there are none.
            .setFileSystemOptions(FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)),
    )

/**
 * HTTP and the database share their event loops, so that no request changes threads. There is no public way to get at
 * them since Vert.x 5; the other way round (Ktor's loops for Vert.x) would take a transport of our own.
 */
private fun eventLoops(vertx: Vertx): EventLoopGroup = (vertx as VertxInternal).eventLoopGroup()
