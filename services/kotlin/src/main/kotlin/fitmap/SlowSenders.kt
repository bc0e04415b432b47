package fitmap

import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import io.netty.channel.ChannelPipeline
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.LastHttpContent
import java.util.concurrent.Future
import java.util.concurrent.TimeUnit

private const val LIMIT_SECONDS = 10L

/**
 * Closes the connection of a client that takes more than 10 s to send the head of a request, or 10 s more to send its
 * body. Ktor's requestReadTimeoutSeconds is another thing: it ends a client that is silent, even one that waits for its
 * answer, and never one that sends a byte now and then.
 */
fun ChannelPipeline.closeSlowSenders() {
    val progress = Progress()
    addBefore("codec", "bytes", Bytes(progress))
    addAfter("codec", "messages", Messages(progress))
}

/** How far the request is that is being received. Confined to the event loop of its connection. */
private class Progress {
    var incomplete = false
    private var timer: Future<*>? = null

    fun await(context: ChannelHandlerContext) {
        if (timer == null) timer = context.executor().schedule({ context.close() }, LIMIT_SECONDS, TimeUnit.SECONDS)
    }

    fun arrived() {
        timer?.cancel(false)
        timer = null
    }
}

/** Before the codec: something came, and whatever of it is not complete is waited for. Most requests come in one piece. */
private class Bytes(
    private val progress: Progress,
) : ChannelInboundHandlerAdapter() {
    override fun channelActive(context: ChannelHandlerContext) {
        progress.await(context)
        context.fireChannelActive()
    }

    override fun channelRead(
        context: ChannelHandlerContext,
        message: Any,
    ) {
        progress.incomplete = true
        context.fireChannelRead(message)
    }

    override fun channelReadComplete(context: ChannelHandlerContext) {
        if (progress.incomplete) progress.await(context)
        context.fireChannelReadComplete()
    }

    override fun channelInactive(context: ChannelHandlerContext) {
        progress.arrived()
        context.fireChannelInactive()
    }
}

/** Behind the codec: a head, the end of a body, or both. */
private class Messages(
    private val progress: Progress,
) : ChannelInboundHandlerAdapter() {
    override fun channelRead(
        context: ChannelHandlerContext,
        message: Any,
    ) {
        if (message is HttpRequest) progress.arrived()
        if (message is LastHttpContent) {
            progress.arrived()
            progress.incomplete = false
        }
        context.fireChannelRead(message)
    }
}
