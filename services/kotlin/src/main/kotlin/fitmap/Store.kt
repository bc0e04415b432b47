package fitmap

import io.vertx.core.Future
import io.vertx.core.Vertx
import io.vertx.core.VertxException
import io.vertx.kotlin.coroutines.coAwait
import io.vertx.pgclient.PgBuilder
import io.vertx.pgclient.PgConnectOptions
import io.vertx.pgclient.PgException
import io.vertx.sqlclient.ClosedConnectionException
import io.vertx.sqlclient.Pool
import io.vertx.sqlclient.PoolOptions
import io.vertx.sqlclient.Row
import io.vertx.sqlclient.RowSet
import io.vertx.sqlclient.SqlConnection
import io.vertx.sqlclient.Tuple
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import org.slf4j.LoggerFactory
import java.io.IOException
import java.time.temporal.ChronoUnit
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** No connection, a connection that failed, a statement that timed out, or a server without resources. */
class DatabaseUnavailable(
    cause: Throwable,
) : Exception(cause.message, cause)

// Classes 08 connection, 53 resources, 57 operator intervention: shutdown, and the statement timeout.
private val UNAVAILABLE_CLASSES = setOf("08", "53", "57")

private const val QUERY_CANCELED = "57014"

// What a statement on a connection that is closed already fails with. Vert.x has no class for it; that of a wrong
// parameter, which is a bug, is the same.
private val CLOSED = listOf("Connection is not active", "Pending requests failed to be sent")

/** Whether a statement failed with this because of the state of the database, and not because of a bug. */
internal fun Throwable.meansUnavailable(): Boolean =
    when (this) {
        is IOException, is TimeoutException, is ClosedConnectionException -> true
        is PgException -> sqlState.take(2) in UNAVAILABLE_CLASSES
        is VertxException -> CLOSED.any { message.orEmpty().startsWith(it) }
        else -> false
    }

/**
 * Whether this tells that the database is away. Neither a pool that is busy, nor a statement or a transaction that took too
 * long, does. A single statement that outlives statement_timeout (TimeoutException) does: the server does not end it.
 */
internal fun Throwable.meansOutage(): Boolean = if (this is PgException) sqlState != QUERY_CANCELED else meansUnavailable()

class Store(
    vertx: Vertx,
    private val config: Config,
    // Statements end after 5 s by themselves. This is for several of them, and for a server that has stopped answering.
    private val limit: Duration = 6.seconds,
) {
    private val log = LoggerFactory.getLogger(Store::class.java)

    // The builder of a pool, not of a "client": that one would pipeline several requests on one connection.
    private val pool: Pool =
        PgBuilder
            .pool()
            .using(vertx)
            .connectingTo(connectOptions(config.database))
            .with(
                PoolOptions()
                    .setMaxSize(config.poolSize)
                    .setConnectionTimeout(2)
                    .setConnectionTimeoutUnit(TimeUnit.SECONDS)
                    // Without it the pool puts every connection on the event loop that first asked.
                    .setEventLoopSize(config.cpus),
            ).build()

    private val outage = Outage()

    @Volatile
    private var started = false

    /** Opens every connection of the pool; returns once they are open, however long the database takes to come up. */
    suspend fun open() {
        var complained = false
        while (!started) {
            // All are asked for before the first goes back, so that no connection is counted twice.
            val connections = List(config.poolSize) { pool.connection }.map { runCatching { it.coAwait() } }
            connections.forEach { it.onSuccess(SqlConnection::close) }
            val failure = connections.firstNotNullOfOrNull { it.exceptionOrNull() }
            when {
                failure == null -> started = true
                failure is CancellationException -> throw failure
                !complained -> log.warn("not all database connections are open yet: {}", failure.message).also { complained = true }
            }
            if (!started) delay(100)
        }
        log.info("{} database connections open", config.poolSize)
    }

    suspend fun isReady(): Boolean =
        started &&
            try {
                query(Queries.HEALTH)
                true
            } catch (_: DatabaseUnavailable) {
                false
            }

    suspend fun product(id: Int): Product? = query(Queries.PRODUCT, id).firstOrNull()?.toProduct()

    suspend fun productSlow(
        id: Int,
        milliseconds: Int,
    ): Product? = query(Queries.PRODUCT_SLOW, id, milliseconds).firstOrNull()?.toProduct()

    suspend fun customerOrders(
        customerId: Int,
        limit: Int,
    ): CustomerOrders? {
        val rows = query(Queries.CUSTOMER_ORDERS, customerId, limit)
        val first = rows.firstOrNull() ?: return null
        val customer = CustomerOrders.Customer(first.getInteger(0), first.getString(1), first.getString(2))
        // A customer without orders is one row whose order is null: the join is an outer one.
        val orders = if (first.getLong(3) == null) emptyList() else rows.map { it.toOrder() }
        return CustomerOrders(customer, orders)
    }

    suspend fun regions(days: Int): RegionReport {
        val rows = query(Queries.REGIONS, days)
        return RegionReport(days, rows.map { RegionReport.Region(it.getString(0), it.getLong(1), it.getLong(2)) })
    }

    /** @throws OrderRefused */
    suspend fun createOrder(request: OrderRequest): OrderCreated {
        // In product order, as locked: two orders can't deadlock.
        val lines = request.lines.sortedBy { it.productId }
        val ids = Array(lines.size) { lines[it].productId }
        val quantities = Array(lines.size) { lines[it].quantity }
        return transaction {
            val products = run(Queries.LOCK_PRODUCTS, ids).toList()
            if (products.size < lines.size) throw OrderRefused.NoSuchProduct()
            if (lines.indices.any { products[it].getInteger(2) < quantities[it] }) throw OrderRefused.OutOfStock()
            val prices = Array(lines.size) { products[it].getInteger(1) }
            val totalCents = lines.indices.sumOf { quantities[it].toLong() * prices[it] }
            run(Queries.TAKE_STOCK, ids, quantities)
            val orderId =
                try {
                    run(Queries.INSERT_ORDER, request.customerId, totalCents).first().getLong(0)
                } catch (failure: PgException) {
                    throw if (failure.sqlState == FOREIGN_KEY_VIOLATION) OrderRefused.NoSuchCustomer() else failure
                }
            run(Queries.INSERT_LINES, orderId, ids, quantities, prices)
            OrderCreated(orderId, totalCents)
        }
    }

    suspend fun close() {
        withTimeoutOrNull(1.seconds) { pool.close().coAwait() }
    }

    private suspend fun query(
        sql: String,
        vararg parameters: Any,
    ): RowSet<Row> =
        pool.connection
            .compose(
                { connection ->
                    // A late statement keeps its connection until it ends: the driver has no way to close one of its pool.
                    connection
                        .preparedQuery(sql)
                        .execute(Tuple.wrap(parameters))
                        .eventually { connection.close() }
                        .timeout(limit.inWholeMilliseconds, TimeUnit.MILLISECONDS)
                },
                { noConnection(it) },
            ).answer()
            .also { outage.succeeded() }

    internal suspend fun <T> transaction(work: suspend SqlConnection.() -> T): T {
        val acquired = pool.connection
        val connection =
            try {
                acquired.recover { noConnection(it) }.answer()
            } catch (cancelled: CancellationException) {
                acquired.onSuccess { it.close() }
                throw cancelled
            }
        var end: Future<Void>? = null
        try {
            return withTimeout(limit) {
                val transaction = connection.begin().answer()
                try {
                    connection.work().also { transaction.commit().also { end = it }.answer() }
                } catch (refusal: OrderRefused) {
                    transaction.rollback().also { end = it }.answer()
                    throw refusal
                }
            }.also { outage.succeeded() }
        } catch (late: TimeoutCancellationException) {
            throw unavailable(late)
        } finally {
            val ending = end
            if (ending == null || ending.isComplete) {
                // Rolls back what is neither committed nor rolled back, once the statement under way has ended.
                connection.close()
            } else {
                // Vert.x 5.0 forgets a transaction before it sends COMMIT or ROLLBACK: it would lend the connection meanwhile.
                ending.onComplete { connection.close() }
            }
        }
    }

    private suspend fun SqlConnection.run(
        sql: String,
        vararg parameters: Any,
    ): RowSet<Row> = preparedQuery(sql).execute(Tuple.wrap(parameters)).answer()

    /** @throws DatabaseUnavailable where that is what the failure means; any other failure is thrown as it is. */
    private suspend fun <T> Future<T>.answer(): T =
        try {
            coAwait()
        } catch (failure: Exception) {
            throw if (failure.meansUnavailable()) unavailable(failure) else failure
        }

    /** Whatever the reason is that there is no connection. */
    private fun <T> noConnection(reason: Throwable): Future<T> = Future.failedFuture(unavailable(reason))

    private fun unavailable(cause: Throwable): DatabaseUnavailable {
        if (cause.meansOutage()) outage.failed(cause)
        return DatabaseUnavailable(cause)
    }

    private fun Row.toProduct() = Product(getInteger(0), getString(1), getInteger(2), getInteger(3))

    private fun Row.toOrder() =
        CustomerOrders.Order(
            getLong(3),
            getOffsetDateTime(4).toInstant().truncatedTo(ChronoUnit.SECONDS).toString(),
            getString(5),
            getLong(6),
            getLong(7),
        )

    private companion object {
        const val FOREIGN_KEY_VIOLATION = "23503"

        fun connectOptions(database: DatabaseAddress): PgConnectOptions =
            PgConnectOptions()
                .setHost(database.host)
                .setPort(database.port)
                .setDatabase(database.name)
                .setUser(database.user)
                .setPassword(database.password)
                .setCachePreparedStatements(true)
                .setPipeliningLimit(1)
                // In the start-up packet: no statement of its own.
                .addProperty("statement_timeout", "5000")
                .addProperty("application_name", "fitmap-kotlin")
    }
}
