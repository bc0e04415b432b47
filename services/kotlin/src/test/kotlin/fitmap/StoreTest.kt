package fitmap

import io.vertx.core.VertxException
import io.vertx.pgclient.PgException
import io.vertx.sqlclient.ClosedConnectionException
import kotlinx.coroutines.CancellationException
import java.net.ConnectException
import java.util.concurrent.TimeoutException
import kotlin.test.Test
import kotlin.test.assertFalse
import kotlin.test.assertTrue

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
}
