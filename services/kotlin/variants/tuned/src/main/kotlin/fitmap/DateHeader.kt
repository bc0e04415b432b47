package fitmap

import io.ktor.http.Headers
import io.ktor.http.HttpHeaders
import io.ktor.http.headersOf
import io.ktor.http.toHttpDate
import io.ktor.util.date.GMTDate

private const val MILLIS_PER_SECOND = 1_000L

private class HttpDate(
    val second: Long,
) {
    val text = GMTDate(second * MILLIS_PER_SECOND).toHttpDate()
    val alone = headersOf(HttpHeaders.Date, text)
}

@Volatile
private var latest = HttpDate(0)

private fun httpDate(): HttpDate {
    val second = System.currentTimeMillis() / MILLIS_PER_SECOND
    return latest.takeIf { it.second == second } ?: HttpDate(second).also { latest = it }
}

/** The headers of an answer: its date, which is formatted once a second. */
fun dateAlone(): Headers = httpDate().alone

/** The headers of an answer: its date and one more. */
fun dateAnd(
    name: String,
    value: String,
): Headers = headersOf(HttpHeaders.Date to listOf(httpDate().text), name to listOf(value))
