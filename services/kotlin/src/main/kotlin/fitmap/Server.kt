package fitmap

import io.ktor.http.HttpHeaders
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationStopPreparing
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.netty.Netty
import io.ktor.server.netty.NettyApplicationEngine
import io.ktor.server.response.ApplicationSendPipeline
import io.ktor.server.response.header
import io.netty.channel.Channel
import io.netty.channel.ChannelHandler
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private val DRAIN_LIMIT = 10.seconds

fun server(
    config: Config,
    store: Store,
): EmbeddedServer<NettyApplicationEngine, NettyApplicationEngine.Configuration> {
    val listener = Listener()
    return embeddedServer(
        Netty,
        configure = {
            connector {
                host = config.host
                port = config.port
            }
            shareWorkGroup = true
            // The drain has waited for what was in flight.
            shutdownGracePeriod = 0
            configureBootstrap = { handler(listener) }
            channelPipelineConfig = { closeSlowSenders() }
        },
    ) {
        service(store, Meta.of(config))
        val opening = launch { store.open() }
        monitor.subscribe(ApplicationStopPreparing) {
            opening.cancel()
            runBlocking {
                drain(listener)
                store.close()
            }
        }
    }
}

/** Takes no more connections and waits for what is in flight: Ktor's stop() closes connections in the middle of a request. */
private suspend fun Application.drain(listener: Listener) {
    listener.channel?.close()
    sendPipeline.intercept(ApplicationSendPipeline.Before) {
        context.response.header(HttpHeaders.Connection, "close")
    }
    // Every call is a child of the application until its answer is written. That is so in Ktor 3.5.2, to which pom.xml pins
    // it; later versions have another tree of jobs.
    val calls = coroutineContext.job.children
    withTimeoutOrNull(DRAIN_LIMIT) {
        while (calls.any(Job::isActive)) calls.toList().joinAll()
        // Written is not flushed: that is the next task of the event loop.
        delay(50.milliseconds)
    }
}

/** Remembers the channel that accepts connections, so that it can be closed before the others. */
@ChannelHandler.Sharable
private class Listener : ChannelInboundHandlerAdapter() {
    @Volatile
    var channel: Channel? = null

    override fun channelActive(context: ChannelHandlerContext) {
        channel = context.channel()
        context.fireChannelActive()
    }
}
