package fitmap

import io.ktor.http.HttpHeaders
import io.ktor.server.application.ApplicationCall
import io.ktor.server.routing.RoutingCall
import io.ktor.utils.io.readRemaining
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.io.readByteArray
import kotlinx.serialization.DeserializationStrategy
import kotlinx.serialization.SerializationException

// About a third of a millisecond of parsing.
private const val LONG_BODY = 65_536

/** A request that the contract refuses, with the answer it gets. Control flow: it carries no stack trace. */
class Refused(
    val reply: Reply,
) : Exception(null, null, false, false)

fun RoutingCall.pathId(): Int =
    parseDigits(pathParameters["id"].orEmpty(), 1..Int.MAX_VALUE)
        ?: throw Refused(badRequest("The id must be an integer from 1 to ${Int.MAX_VALUE}."))

fun ApplicationCall.queryInteger(
    name: String,
    range: IntRange,
    default: Int? = null,
): Int {
    val values = request.queryParameters.getAll(name)
    if (values == null && default != null) return default
    return values?.singleOrNull()?.let { parseDigits(it, range) }
        ?: throw Refused(badRequest("$name must be given once, an integer from ${range.first} to ${range.last}."))
}

/** The body as JSON, refused in the contract's order: media type, size, content. */
suspend fun <T> ApplicationCall.body(deserializer: DeserializationStrategy<T>): T {
    val headers = request.headers
    // By hand: Ktor's parser throws where it should compare.
    val mediaType = headers[HttpHeaders.ContentType]?.substringBefore(';')?.trim()
    if (!mediaType.equals("application/json", ignoreCase = true)) throw Refused(unsupportedMediaType())
    val length = headers[HttpHeaders.ContentLength]?.toLongOrNull() ?: 0
    if (length > BODY_LIMIT) throw Refused(tooLarge())
    // The raw channel: receive() would run a pipeline of transformations first.
    val bytes = request.receiveChannel().readRemaining(BODY_LIMIT + 1).readByteArray()
    if (bytes.size > BODY_LIMIT) throw Refused(tooLarge())
    return try {
        compute(isLong = bytes.size > LONG_BODY) {
            json.decodeFromString(deserializer, bytes.decodeToString(throwOnInvalidSequence = true))
        }
    } catch (_: SerializationException) {
        throw Refused(badRequest("The body is not the JSON that this route takes."))
    } catch (_: CharacterCodingException) {
        throw Refused(badRequest("The body is not UTF-8."))
    }
}

/** Short work runs where it is: to change threads would cost more. Long work leaves the event loop to the others. */
suspend inline fun <T> compute(
    isLong: Boolean,
    crossinline block: () -> T,
): T = if (isLong) withContext(Dispatchers.Default) { block() } else block()
