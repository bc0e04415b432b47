package fitmap

import io.netty.buffer.ByteBuf
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import io.netty.channel.ChannelPipeline
import io.netty.handler.codec.DecoderResult
import io.netty.handler.codec.http.HttpContent
import io.netty.handler.codec.http.HttpObject
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpUtil
import io.netty.handler.codec.http.HttpVersion
import io.netty.handler.codec.http.LastHttpContent
import io.netty.util.ReferenceCountUtil
import java.util.concurrent.Future
import java.util.concurrent.TimeUnit

private const val LIMIT_SECONDS = 10L

// The last four bytes of a head, and of a chunked body.
private const val EMPTY_LINE = 0x0d0a0d0a

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
    private var received = EMPTY_LINE
    private var end = EMPTY_LINE
    private var chunked = false
    private var ended = true
    private var timer: Future<*>? = null

    /**
     * Whether more came than whole requests, or less than one. Compared by the last four bytes; services/rust/src/server.rs
     * has an example.
     */
    val incomplete: Boolean
        get() = !ended || received != end

    fun bytesArrived(bytes: ByteBuf) {
        received = lastFour(received, bytes)
    }

    fun headArrived(request: HttpRequest) {
        end = EMPTY_LINE
        chunked = HttpUtil.isTransferEncodingChunked(request)
        ended = false
        arrived()
    }

    fun contentArrived(content: ByteBuf) {
        if (!chunked) end = lastFour(end, content)
    }

    fun endArrived() {
        ended = true
        arrived()
    }

    fun await(context: ChannelHandlerContext) {
        if (timer == null) timer = context.executor().schedule({ context.close() }, LIMIT_SECONDS, TimeUnit.SECONDS)
    }

    fun arrived() {
        timer?.cancel(false)
        timer = null
    }
}

/** The last four bytes of those before and these. */
private fun lastFour(
    before: Int,
    bytes: ByteBuf,
): Int {
    val first = maxOf(bytes.readerIndex(), bytes.writerIndex() - Int.SIZE_BYTES)
    return (first..<bytes.writerIndex()).fold(before) { last, index ->
        (last shl Byte.SIZE_BITS) or bytes.getUnsignedByte(index).toInt()
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
        if (message is ByteBuf) progress.bytesArrived(message)
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

/**
 * Behind the codec: a head, the end of a body, or both.
 *
 * After a head that is not HTTP the codec reads nothing more, and Ktor answers 400: the connection shall end then. A body
 * that is not HTTP would look to Ktor as if it were complete. And Ktor answers in whatever version is asked for.
 */
private class Messages(
    private val progress: Progress,
) : ChannelInboundHandlerAdapter() {
    override fun channelRead(
        context: ChannelHandlerContext,
        message: Any,
    ) {
        if (message is HttpRequest) {
            if (message.protocolVersion() != HttpVersion.HTTP_1_1 && message.protocolVersion() != HttpVersion.HTTP_1_0) {
                message.setProtocolVersion(HttpVersion.HTTP_1_1)
                message.setDecoderResult(DecoderResult.failure(IllegalArgumentException("neither HTTP/1.1 nor HTTP/1.0")))
            }
            if (message.decoderResult().isFailure) HttpUtil.setKeepAlive(message, false)
            progress.headArrived(message)
        } else if (message is HttpObject && message.decoderResult().isFailure) {
            ReferenceCountUtil.release(message)
            context.close()
            return
        }
        if (message is HttpContent) progress.contentArrived(message.content())
        if (message is LastHttpContent) progress.endArrived()
        context.fireChannelRead(message)
    }
}
