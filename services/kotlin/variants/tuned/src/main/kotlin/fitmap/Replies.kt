package fitmap

import io.ktor.http.ContentType
import io.ktor.http.Headers
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationStrategy

/** A complete answer: its bytes and so its content-length are known before the first is sent. */
class Reply(
    private val body: ByteArray,
    override val status: HttpStatusCode = HttpStatusCode.OK,
    override val contentType: ContentType = ContentType.Application.Json,
    override val headers: Headers = dateAlone(),
) : OutgoingContent.ByteArrayContent() {
    override val contentLength: Long get() = body.size.toLong()

    override fun bytes(): ByteArray = body
}

fun <T> jsonReply(
    serializer: SerializationStrategy<T>,
    value: T,
    status: HttpStatusCode = HttpStatusCode.OK,
    headers: Headers = dateAlone(),
) = Reply(json.encodeToString(serializer, value).encodeToByteArray(), status, headers = headers)

@Serializable
private class Failure(
    val error: String,
    val detail: String,
)

private fun failure(
    status: HttpStatusCode,
    error: String,
    detail: String,
    headers: Headers = dateAlone(),
) = jsonReply(Failure.serializer(), Failure(error, detail), status, headers)

fun badRequest(detail: String) = failure(HttpStatusCode.BadRequest, "bad_request", detail)

fun notFound(detail: String) = failure(HttpStatusCode.NotFound, "not_found", detail)

fun methodNotAllowed(allowed: String) =
    failure(
        HttpStatusCode.MethodNotAllowed,
        "method_not_allowed",
        "This route answers $allowed only.",
        dateAnd(HttpHeaders.Allow, allowed),
    )

fun refused(refusal: OrderRefused): Reply {
    val detail = refusal.message ?: "The order was refused."
    return if (refusal is OrderRefused.OutOfStock) failure(HttpStatusCode.Conflict, "out_of_stock", detail) else notFound(detail)
}

fun tooLarge() = failure(HttpStatusCode.PayloadTooLarge, "too_large", "The body is over 1048576 bytes.")

fun unsupportedMediaType() = failure(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type", "The body must be application/json.")

fun databaseUnavailable() = failure(HttpStatusCode.ServiceUnavailable, "database_unavailable", "The database did not answer.")

fun internal() = failure(HttpStatusCode.InternalServerError, "internal", "Something went wrong here.")
