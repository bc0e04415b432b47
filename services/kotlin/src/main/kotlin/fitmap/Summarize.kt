package fitmap

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

@Serializable
class SummarizeRequest(
    val orders: List<Order>,
) {
    @Serializable
    class Order(
        val customer: String,
        val region: String,
        val lines: List<Line>,
    )

    @Serializable
    class Line(
        val sku: String,
        val quantity: JsonInt,
        @SerialName("price_cents") val priceCents: JsonInt,
    )
}

@Serializable
class Summary(
    val orders: Int,
    val regions: List<Region>,
) {
    @Serializable
    class Region(
        val region: String,
        val orders: Int,
        val quantity: Long,
        @SerialName("revenue_cents") val revenueCents: Long,
        @SerialName("top_customer") val topCustomer: String,
    )
}

private class RegionTotals {
    var orders = 0
    var quantity = 0L
    var revenueCents = 0L
    val revenueByCustomer = HashMap<String, Long>()
}

/** Null where a number is out of the contract's range, or a name that would be answered is no Unicode text. */
fun summarize(request: SummarizeRequest): Summary? {
    if (request.orders.size > 10_000) return null
    val totals = HashMap<String, RegionTotals>()
    for (order in request.orders) {
        val region = totals.getOrPut(order.region) { RegionTotals() }
        var quantity = 0L
        var revenueCents = 0L
        for (line in order.lines) {
            if (line.quantity !in 1..1_000_000 || line.priceCents !in 0..100_000_000) return null
            quantity += line.quantity
            revenueCents += line.quantity.toLong() * line.priceCents
        }
        region.orders++
        region.quantity += quantity
        region.revenueCents += revenueCents
        region.revenueByCustomer.merge(order.customer, revenueCents, Long::plus)
    }
    val regions =
        totals.map { (name, region) ->
            val top = region.revenueByCustomer.entries.minWith(byRevenueThenName)
            Summary.Region(name, region.orders, region.quantity, region.revenueCents, top.key)
        }
    if (regions.any { !it.region.isWhole() || !it.topCustomer.isWhole() }) return null
    return Summary(
        request.orders.size,
        regions.sortedWith(compareByDescending(Summary.Region::revenueCents).thenBy(byCodePoint, Summary.Region::region)),
    )
}

/** String.compareTo goes by UTF-16 unit, which puts a supplementary character before U+E000 to U+FFFF. */
fun compareByCodePoint(
    a: String,
    b: String,
): Int {
    for (i in 0 until minOf(a.length, b.length)) {
        if (a[i] != b[i]) return rank(a[i]) - rank(b[i])
    }
    return a.length - b.length
}

/** Whether no half of a surrogate pair stands alone. JSON can escape one, UTF-8 has none. */
private fun String.isWhole(): Boolean {
    var i = 0
    while (i < length) {
        val point = codePointAt(i)
        if (point in Char.MIN_SURROGATE.code..Char.MAX_SURROGATE.code) return false
        i += Character.charCount(point)
    }
    return true
}

private fun rank(unit: Char): Int = if (unit.isSurrogate()) unit.code + 0x10000 else unit.code

private val byCodePoint = Comparator(::compareByCodePoint)

private val byRevenueThenName =
    compareByDescending<Map.Entry<String, Long>> { it.value }.thenBy(byCodePoint) { it.key }
