package fitmap

import io.vertx.core.Vertx
import io.vertx.core.VertxException
import io.vertx.pgclient.PgException
import io.vertx.sqlclient.ClosedConnectionException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.DataInputStream
import java.net.ConnectException
import java.net.InetAddress
import java.net.ServerSocket
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

class StoreTest {
    private fun postgres(state: String) = PgException("said so", "ERROR", state, "")

    @Test
    fun `what the database or the way to it causes is an outage`() {
        val outages =
            listOf(
                ConnectException(),
                TimeoutException(),
                ClosedConnectionException.INSTANCE,
                VertxException.noStackTrace("Connection is not active now, current status: CLOSED"),
                VertxException.noStackTrace("Pending requests failed to be sent due to connection has been closed."),
                postgres("08006"),
                postgres("53300"),
                postgres("57014"),
                postgres("57P01"),
            )
        for (outage in outages) assertTrue(outage.meansUnavailable(), "$outage")
    }

    @Test
    fun `what the service causes is none`() {
        val bugs =
            listOf(
                VertxException.noStackTrace("Parameter at position[0] with class = [java.lang.String] can not be coerced"),
                ClassCastException(),
                IllegalStateException(),
                CancellationException(),
                postgres("23503"),
                postgres("42P01"),
            )
        for (bug in bugs) assertFalse(bug.meansUnavailable(), "$bug")
    }

    @Test
    fun `only what concerns the database alone is logged as an outage`() {
        val silent = listOf(VertxException.noStackTrace("Timeout waiting for connection"), postgres("57014"), CancellationException())
        for (failure in silent) assertFalse(failure.meansOutage(), "$failure")
        val outages = listOf(ConnectException(), TimeoutException(), postgres("28P01"), postgres("53300"), postgres("57P01"))
        for (outage in outages) assertTrue(outage.meansOutage(), "$outage")
    }

    @Test
    fun `an order that is cancelled while it waits for a connection leaves that to others`() {
        val connecting = CountDownLatch(1)
        val greets = CountDownLatch(1)
        val asked = CountDownLatch(1)
        val vertx = Vertx.vertx()
        ServerSocket(0, 0, InetAddress.getLoopbackAddress()).use { server ->
            thread(isDaemon = true) {
                val connection = server.accept()
                val input = DataInputStream(connection.getInputStream())
                input.readNBytes(input.readInt() - Int.SIZE_BYTES)
                connecting.countDown()
                greets.await()
                connection.getOutputStream().write(greeting)
                input.readByte()
                asked.countDown()
            }
            val address = DatabaseAddress(server.inetAddress.hostAddress, server.localPort, "name", "user", "password")
            val store = Store(vertx, Config("127.0.0.1", 1, 1, 1, address))
            runBlocking(Dispatchers.Default) {
                val order = launch { store.createOrder(OrderRequest(1, listOf(OrderRequest.Line(1, 1)))) }
                connecting.await()
                order.cancelAndJoin()
                greets.countDown()
                val product = launch { runCatching { store.product(1) } }
                assertTrue(asked.await(5, TimeUnit.SECONDS), "the connection is still lent")
                product.cancelAndJoin()
            }
        }
        vertx.close()
    }

    @Test
    fun `a connection whose COMMIT takes too long is lent until that has ended`() {
        val commits = CountDownLatch(1)
        val asked = CountDownLatch(1)
        val vertx = Vertx.vertx()
        ServerSocket(0, 0, InetAddress.getLoopbackAddress()).use { server ->
            thread(isDaemon = true) {
                val connection = server.accept()
                val input = DataInputStream(connection.getInputStream())
                val output = connection.getOutputStream()
                input.readNBytes(input.readInt() - Int.SIZE_BYTES)
                output.write(greeting)
                input.skipMessage()
                output.write(message('C', "BEGIN\u0000") + message('Z', "T"))
                input.skipMessage()
                commits.await()
                output.write(message('C', "COMMIT\u0000") + message('Z', "I"))
                input.readByte()
                asked.countDown()
            }
            val address = DatabaseAddress(server.inetAddress.hostAddress, server.localPort, "name", "user", "password")
            val store = Store(vertx, Config("127.0.0.1", 1, 1, 1, address), limit = 300.milliseconds)
            runBlocking(Dispatchers.Default) {
                assertFailsWith<DatabaseUnavailable> { store.transaction {} }
                // On a connection that it has, it would fail by the limit.
                val product = launch { runCatching { store.product(1) } }
                delay(1.seconds)
                assertTrue(product.isActive, "the connection is lent to the next")
                commits.countDown()
                assertTrue(asked.await(5, TimeUnit.SECONDS), "the connection is still lent")
                product.cancelAndJoin()
            }
        }
        vertx.close()
    }

    private fun DataInputStream.skipMessage() {
        readByte()
        readNBytes(readInt() - Int.SIZE_BYTES)
    }

    private companion object {
        // As much of PostgreSQL as it takes to connect.
        val greeting =
            message('R', "\u0000\u0000\u0000\u0000") +
                message('S', "client_encoding\u0000UTF8\u0000") +
                message('S', "server_version\u000018.0\u0000") +
                message('Z', "I")

        fun message(
            type: Char,
            content: String,
        ): ByteArray =
            ByteBuffer
                .allocate(1 + Int.SIZE_BYTES + content.length)
                .put(type.code.toByte())
                .putInt(Int.SIZE_BYTES + content.length)
                .put(content.toByteArray())
                .array()
    }
}
