package fitmap

import io.netty.buffer.Unpooled
import io.netty.channel.ChannelInitializer
import io.netty.channel.embedded.EmbeddedChannel
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpServerCodec
import io.netty.handler.codec.http.HttpUtil
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class SlowSendersTest {
    private val channel = newChannel()

    private fun newChannel() =
        EmbeddedChannel(
            object : ChannelInitializer<EmbeddedChannel>() {
                override fun initChannel(channel: EmbeddedChannel) {
                    channel.pipeline().addLast("codec", HttpServerCodec())
                    channel.pipeline().closeSlowSenders()
                }
            },
        )

    private fun send(text: String) {
        channel.writeInbound(Unpooled.copiedBuffer(text, Charsets.US_ASCII))
    }

    private fun EmbeddedChannel.pass(seconds: Long) {
        advanceTimeBy(seconds, TimeUnit.SECONDS)
        runScheduledPendingTasks()
    }

    private fun pass(seconds: Long) = channel.pass(seconds)

    @Test
    fun `a connection on which nothing comes is closed`() {
        pass(9)
        assertTrue(channel.isOpen)
        pass(2)
        assertFalse(channel.isOpen)
    }

    @Test
    fun `a head that comes byte by byte is not waited for longer`() {
        send("GET /ping HTTP/1.1\r\n\r\n")
        pass(60)
        repeat(9) {
            send("G")
            pass(1)
        }
        assertTrue(channel.isOpen)
        pass(2)
        assertFalse(channel.isOpen)
    }

    @Test
    fun `a body has as long again as its head`() {
        send("POST /orders HTTP/1.1\r\n")
        pass(9)
        send("content-length: 10\r\n\r\n{")
        pass(9)
        send("}")
        assertTrue(channel.isOpen)
        pass(2)
        assertFalse(channel.isOpen)
    }

    @Test
    fun `a head that begins in the piece of the request before has its time`() {
        fun stays(piece: String): Boolean {
            val channel = newChannel()
            channel.writeInbound(Unpooled.copiedBuffer(piece, Charsets.US_ASCII))
            channel.pass(9)
            assertTrue(channel.isOpen)
            channel.pass(2)
            return channel.isOpen
        }

        val chunked = "POST /orders HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        val fixed = "POST /orders HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
        for (whole in listOf("GET /ping HTTP/1.1\r\n\r\n", chunked, fixed, chunked + fixed)) {
            assertTrue(stays(whole), whole)
            assertFalse(stays(whole + "G"), whole)
        }
    }

    @Test
    fun `who waits for an answer may be silent`() {
        send("POST /orders HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        pass(60)
        assertTrue(channel.isOpen)
    }

    @Test
    fun `a head that is no HTTP is the last of its connection`() {
        for (head in listOf("GET / HTTP/1.1\r\na b: c\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "x\r\n\r\n")) {
            val channel = newChannel()
            channel.writeInbound(Unpooled.copiedBuffer(head, Charsets.US_ASCII))
            val request = channel.readInbound<HttpRequest>()
            assertTrue(request.decoderResult().isFailure, head)
            assertFalse(HttpUtil.isKeepAlive(request), head)
        }
    }

    @Test
    fun `a body that is no HTTP ends its connection`() {
        send("POST /orders HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n")
        assertTrue(channel.isOpen)
        send("x\r\n")
        assertFalse(channel.isOpen)
    }
}
