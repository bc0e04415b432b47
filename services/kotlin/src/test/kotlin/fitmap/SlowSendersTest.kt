package fitmap

import io.netty.buffer.Unpooled
import io.netty.channel.ChannelInitializer
import io.netty.channel.embedded.EmbeddedChannel
import io.netty.handler.codec.http.HttpServerCodec
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class SlowSendersTest {
    private val channel =
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

    private fun pass(seconds: Long) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS)
        channel.runScheduledPendingTasks()
    }

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
    fun `who waits for an answer may be silent`() {
        send("POST /orders HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        pass(60)
        assertTrue(channel.isOpen)
    }
}
