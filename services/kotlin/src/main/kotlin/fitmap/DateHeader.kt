package fitmap

import io.ktor.http.HttpHeaders
import io.ktor.http.toHttpDate
import io.ktor.server.application.createApplicationPlugin
import io.ktor.util.date.GMTDate

private const val MILLIS_PER_SECOND = 1_000L

private class HttpDate(
    val second: Long,
) {
    val text = GMTDate(second * MILLIS_PER_SECOND).toHttpDate()
}

/**
 * The `Date` of every answer, formatted once a second, as Ktor's plug-in DefaultHeaders does it.
 *
 * Because of the build machine: the artifact of DefaultHeaders could not be had there. Elsewhere, install that one.
 */
val DateHeader =
    createApplicationPlugin("DateHeader") {
        var date = HttpDate(0)
        onCallRespond { call, _ ->
            // StatusPages answers a second time.
            if (call.response.headers.contains(HttpHeaders.Date)) return@onCallRespond
            val second = System.currentTimeMillis() / MILLIS_PER_SECOND
            if (date.second != second) date = HttpDate(second)
            call.response.headers.append(HttpHeaders.Date, date.text)
        }
    }
