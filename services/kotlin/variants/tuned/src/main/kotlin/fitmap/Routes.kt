package fitmap

import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpMethod
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.application.log
import io.ktor.server.plugins.BadRequestException
import io.ktor.server.response.respond
import io.ktor.server.routing.Route
import io.ktor.server.routing.RoutingCall
import io.ktor.server.routing.method
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.delay
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

@Serializable
private class Health(
    val status: String,
)

@Serializable
private class Waited(
    @SerialName("waited_ms") val milliseconds: Int,
)

// Starts; about a third of a millisecond.
private const val LONG_WALK = 5_000

fun Application.service(
    store: Store,
    meta: Meta,
) {
    val pong = "pong".encodeToByteArray()
    val noSuchProduct = "There is no such product."
    val noSuchCustomer = "There is no such customer."

    // What routing itself throws, before a handler runs: a path that can't be percent-decoded.
    intercept(ApplicationCallPipeline.Setup) {
        try {
            proceed()
        } catch (_: BadRequestException) {
            call.respond(badRequest("The path is malformed."))
        }
    }
    routing {
        answer(HttpMethod.Get, "/health") {
            if (store.isReady()) {
                jsonReply(Health.serializer(), Health("ok"))
            } else {
                jsonReply(Health.serializer(), Health("starting"), HttpStatusCode.ServiceUnavailable)
            }
        }
        answer(HttpMethod.Get, "/meta") { jsonReply(Meta.serializer(), meta) }
        answer(HttpMethod.Get, "/ping") { Reply(pong, contentType = ContentType.Text.Plain) }
        answer(HttpMethod.Get, "/cpu/collatz") { call ->
            val from = call.queryInteger("from", 1..1_000_000)
            val count = call.queryInteger("count", 1..100_000)
            jsonReply(Collatz.serializer(), compute(isLong = count > LONG_WALK) { collatz(from, count) })
        }
        answer(HttpMethod.Post, "/cpu/summarize") { call ->
            summarize(call.body(SummarizeRequest.serializer()))
                ?.let { jsonReply(Summary.serializer(), it) }
                ?: badRequest("There are too many orders, or a number is out of range.")
        }
        answer(HttpMethod.Get, "/wait") { call ->
            val milliseconds = call.queryInteger("ms", 0..10_000)
            delay(milliseconds.toLong())
            jsonReply(Waited.serializer(), Waited(milliseconds))
        }
        answer(HttpMethod.Get, "/products/{id}") { call ->
            store.product(call.pathId())?.let { jsonReply(Product.serializer(), it) } ?: notFound(noSuchProduct)
        }
        answer(HttpMethod.Get, "/products/{id}/slow") { call ->
            val id = call.pathId()
            val milliseconds = call.queryInteger("ms", 0..1_000)
            store.productSlow(id, milliseconds)?.let { jsonReply(Product.serializer(), it) } ?: notFound(noSuchProduct)
        }
        answer(HttpMethod.Get, "/customers/{id}/orders") { call ->
            val id = call.pathId()
            val limit = call.queryInteger("limit", 1..100, default = 20)
            store.customerOrders(id, limit)?.let { jsonReply(CustomerOrders.serializer(), it) } ?: notFound(noSuchCustomer)
        }
        answer(HttpMethod.Post, "/orders") { call ->
            val request = call.body(OrderRequest.serializer())
            if (request.isAcceptable()) created(store.createOrder(request)) else badRequest("The order is out of range.")
        }
        answer(HttpMethod.Get, "/reports/regions") { call ->
            jsonReply(RegionReport.serializer(), store.regions(call.queryInteger("days", 1..365)))
        }
        // The catch-all is the worst match of all, so it takes only what no route above takes.
        route("{...}") {
            handle { call.respond(notFound("There is no such route.")) }
        }
    }
}

private fun created(order: OrderCreated): Reply {
    val headers = dateAnd(HttpHeaders.Location, "/orders/${order.id}")
    return jsonReply(OrderCreated.serializer(), order, HttpStatusCode.Created, headers)
}

private fun Route.answer(
    method: HttpMethod,
    path: String,
    handler: suspend (RoutingCall) -> Reply,
) = route(path) {
    method(method) {
        handle { call.respond(handler.replyTo(call)) }
    }
    // Ktor's own 405 comes without `allow` and without a body.
    handle { call.respond(methodNotAllowed(method.value)) }
}

// Not the StatusPages plug-in: an exception that crosses Ktor's pipelines costs a copy in each of them.
private suspend fun (suspend (RoutingCall) -> Reply).replyTo(call: RoutingCall): Reply =
    try {
        this(call)
    } catch (refused: Refused) {
        refused.reply
    } catch (refusal: OrderRefused) {
        refused(refusal)
    } catch (_: DatabaseUnavailable) {
        databaseUnavailable()
    } catch (cancellation: CancellationException) {
        throw cancellation
    } catch (bug: Exception) {
        call.application.log.error("unexpected failure", bug)
        internal()
    }
