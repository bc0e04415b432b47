package fitmap

import io.ktor.http.HttpHeaders
import io.ktor.server.application.Application
import io.ktor.server.application.serverConfig
import io.ktor.server.engine.applicationEnvironment
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.netty.Netty
import io.ktor.server.response.ApplicationSendPipeline
import io.ktor.server.response.header
import io.netty.channel.Channel
import io.netty.channel.ChannelHandler
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import io.netty.channel.EventLoopGroup
import io.netty.channel.ServerChannel
import io.netty.channel.epoll.Epoll
import io.netty.channel.epoll.EpollServerSocketChannel
import io.netty.channel.socket.nio.NioServerSocketChannel
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.withTimeoutOrNull

class Server(
    config: Config,
    loops: EventLoopGroup,
    service: Application.() -> Unit,
) {
    private val listener = Listener()

    private val server =
        embeddedServer(
            Netty,
            serverConfig(applicationEnvironment()) { module { service() } },
        ) {
            connector {
                host = config.host
                port = config.port
            }
            shareWorkGroup = true
            enableHttp2 = false
            configureBootstrap = {
                group(loops, loops)
                channel(channelClass)
                handler(listener)
            }
        }

    fun start() {
        server.start(wait = false)
    }

    /** Takes no more connections and waits for what is in flight, at most 10 s. */
    suspend fun drain() {
        // Ktor's own stop() closes every connection at once, also those with a request in flight.
        listener.channel?.close()
        server.application.sendPipeline.intercept(ApplicationSendPipeline.Before) {
            context.response.header(HttpHeaders.Connection, "close")
        }
        withTimeoutOrNull(DRAIN_MILLISECONDS) {
            // Every call is a child of the application until its answer is written.
            val calls = server.application.coroutineContext.job.children
            while (calls.any(Job::isActive)) calls.toList().joinAll()
            // Written is not flushed: that is the next task of the event loop.
            delay(50)
        }
    }

    fun stop() {
        server.stop(gracePeriodMillis = 0, timeoutMillis = 1_000)
    }

    @ChannelHandler.Sharable
    private class Listener : ChannelInboundHandlerAdapter() {
        @Volatile
        var channel: Channel? = null

        override fun channelActive(context: ChannelHandlerContext) {
            channel = context.channel()
            context.fireChannelActive()
        }
    }

    private companion object {
        // Must be of the same transport as the loops; Vert.x asks the same question.
        val channelClass: Class<out ServerChannel> =
            if (Epoll.isAvailable()) EpollServerSocketChannel::class.java else NioServerSocketChannel::class.java

        const val DRAIN_MILLISECONDS = 10_000L
    }
}
