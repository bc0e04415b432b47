package fitmap

import io.ktor.server.plugins.BadRequestException
import io.ktor.server.routing.RoutingCall
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

fun RoutingCall.pathId(): Int =
    parseDigits(pathParameters["id"].orEmpty(), 1..Int.MAX_VALUE)
        ?: throw BadRequestException("The id must be an integer from 1 to ${Int.MAX_VALUE}.")

fun RoutingCall.queryInteger(
    name: String,
    range: IntRange,
    default: Int? = null,
): Int {
    val values = queryParameters.getAll(name)
    if (values == null && default != null) return default
    return values?.singleOrNull()?.let { parseDigits(it, range) }
        ?: throw BadRequestException("$name must be given once, an integer from ${range.first} to ${range.last}.")
}

/** Short work runs where it is: to change threads would cost more. Long work leaves the event loop to the others. */
suspend inline fun <T> compute(
    isLong: Boolean,
    crossinline block: () -> T,
): T = if (isLong) withContext(Dispatchers.Default) { block() } else block()
