package fitmap

import io.ktor.http.BadContentTypeFormatException
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.log
import io.ktor.server.plugins.BadRequestException
import io.ktor.server.plugins.ContentTransformationException
import io.ktor.server.plugins.NotFoundException
import io.ktor.server.plugins.PayloadTooLargeException
import io.ktor.server.plugins.statuspages.StatusPagesConfig
import io.ktor.server.response.respond
import kotlinx.coroutines.CancellationException
import kotlinx.serialization.Serializable

@Serializable
private class Failure(
    val error: String,
    val detail: String,
)

/** Every answer that is no success. */
fun StatusPagesConfig.failures() {
    status(HttpStatusCode.NotFound) { call, status -> call.fail(status, "not_found", "There is no such route.") }
    status(HttpStatusCode.MethodNotAllowed) { call, status ->
        call.fail(status, "method_not_allowed", "This route answers another method.")
    }
    exception<NotFoundException> { call, failure -> call.fail(HttpStatusCode.NotFound, "not_found", failure.message) }
    exception<BadRequestException> { call, failure ->
        // Ktor wraps what it, or the converter, thinks of a body.
        when (failure.cause) {
            is BadContentTypeFormatException -> call.failMediaType()
            is PayloadTooLargeException -> call.fail(HttpStatusCode.PayloadTooLarge, "too_large", "The body is over $BODY_LIMIT bytes.")
            else -> call.fail(HttpStatusCode.BadRequest, "bad_request", failure.message)
        }
    }
    exception<ContentTransformationException> { call, _ -> call.failMediaType() }
    exception<OrderRefused> { call, refusal ->
        when (refusal) {
            is OrderRefused.OutOfStock -> call.fail(HttpStatusCode.Conflict, "out_of_stock", refusal.message)
            else -> call.fail(HttpStatusCode.NotFound, "not_found", refusal.message)
        }
    }
    exception<DatabaseUnavailable> { call, _ ->
        call.fail(HttpStatusCode.ServiceUnavailable, "database_unavailable", "The database did not answer.")
    }
    // Ktor cancels calls when the application ends. A client that has left cancels none.
    exception<CancellationException> { _, cancellation -> throw cancellation }
    exception<Throwable> { call, bug ->
        call.application.log.failure("unexpected failure", bug)
        call.fail(HttpStatusCode.InternalServerError, "internal", "Something went wrong here.")
    }
}

private suspend fun ApplicationCall.failMediaType() =
    fail(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type", "The body must be application/json.")

private suspend fun ApplicationCall.fail(
    status: HttpStatusCode,
    error: String,
    detail: String?,
) = respond(status, Failure(error, detail ?: status.description))
