package fitmap

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

@Serializable
class Product(
    val id: Int,
    val name: String,
    @SerialName("price_cents") val priceCents: Int,
    val stock: Int,
)

@Serializable
class CustomerOrders(
    val customer: Customer,
    val orders: List<Order>,
) {
    @Serializable
    class Customer(
        val id: Int,
        val name: String,
        val region: String,
    )

    @Serializable
    class Order(
        val id: Long,
        @SerialName("created_at") val createdAt: String,
        val status: String,
        @SerialName("total_cents") val totalCents: Long,
        val lines: Long,
    )
}

@Serializable
class RegionReport(
    val days: Int,
    val regions: List<Region>,
) {
    @Serializable
    class Region(
        val region: String,
        val orders: Long,
        @SerialName("revenue_cents") val revenueCents: Long,
    )
}

@Serializable
class OrderRequest(
    @SerialName("customer_id") val customerId: JsonInt,
    val lines: List<Line>,
) {
    @Serializable
    class Line(
        @SerialName("product_id") val productId: JsonInt,
        val quantity: JsonInt,
    )

    /** What the contract says of ranges and of distinct products. */
    fun isAcceptable(): Boolean =
        customerId >= 1 &&
            lines.size in 1..20 &&
            lines.all { it.productId >= 1 && it.quantity in 1..100 } &&
            lines.distinctBy { it.productId }.size == lines.size
}

@Serializable
class OrderCreated(
    val id: Long,
    @SerialName("total_cents") val totalCents: Long,
)

/** Why an order was not kept. */
sealed class OrderRefused(
    message: String,
) : Exception(message) {
    class NoSuchProduct : OrderRefused("An ordered product does not exist.")

    class OutOfStock : OrderRefused("A product has less stock than was ordered.")

    class NoSuchCustomer : OrderRefused("There is no such customer.")
}
