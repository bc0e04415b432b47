package fitmap

import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.plugins.BadRequestException
import io.ktor.server.plugins.NotFoundException
import io.ktor.server.plugins.contentnegotiation.ContentNegotiation
import io.ktor.server.plugins.statuspages.StatusPages
import io.ktor.server.request.receive
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.HttpMethodRouteSelector
import io.ktor.server.routing.RoutingNode
import io.ktor.server.routing.get
import io.ktor.server.routing.getAllRoutes
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
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
    install(DateHeader)
    install(ContentNegotiation) { register(ContentType.Application.Json, StrictJson(json)) }
    install(StatusPages) { failures() }
    routing {
        get("/health") {
            if (store.isReady()) {
                call.respond(Health("ok"))
            } else {
                call.respond(HttpStatusCode.ServiceUnavailable, Health("starting"))
            }
        }
        get("/meta") { call.respond(meta) }
        get("/ping") { call.respondText("pong") }
        get("/cpu/collatz") {
            val from = call.queryInteger("from", 1..1_000_000)
            val count = call.queryInteger("count", 1..100_000)
            call.respond(compute(isLong = count > LONG_WALK) { collatz(from, count) })
        }
        post("/cpu/summarize") {
            val request = call.receive<SummarizeRequest>()
            val summary = summarize(request) ?: throw BadRequestException("Too many orders, a number out of range, or no text.")
            call.respond(summary)
        }
        get("/wait") {
            val milliseconds = call.queryInteger("ms", 0..10_000)
            delay(milliseconds.toLong())
            call.respond(Waited(milliseconds))
        }
        get("/products/{id}") {
            val product = store.product(call.pathId()) ?: throw noSuchProduct()
            call.respond(product)
        }
        get("/products/{id}/slow") {
            val id = call.pathId()
            val milliseconds = call.queryInteger("ms", 0..1_000)
            val product = store.productSlow(id, milliseconds) ?: throw noSuchProduct()
            call.respond(product)
        }
        get("/customers/{id}/orders") {
            val id = call.pathId()
            val limit = call.queryInteger("limit", 1..100, default = 20)
            val orders = store.customerOrders(id, limit) ?: throw NotFoundException("There is no such customer.")
            call.respond(orders)
        }
        post("/orders") {
            val request = call.receive<OrderRequest>()
            if (!request.isAcceptable()) throw BadRequestException("The order is out of range.")
            val order = store.createOrder(request)
            call.response.header(HttpHeaders.Location, "/orders/${order.id}")
            call.respond(HttpStatusCode.Created, order)
        }
        get("/reports/regions") {
            call.respond(store.regions(call.queryInteger("days", 1..365)))
        }
    }.answerOtherMethods()
}

private fun noSuchProduct() = NotFoundException("There is no such product.")

/** Ktor's own 405 has no `Allow` header, which RFC 9110 demands. */
private fun RoutingNode.answerOtherMethods() {
    for (route in getAllRoutes()) {
        val method = (route.selector as HttpMethodRouteSelector).method
        route.parent?.handle {
            call.response.header(HttpHeaders.Allow, method.value)
            call.respond(HttpStatusCode.MethodNotAllowed)
        }
    }
}
