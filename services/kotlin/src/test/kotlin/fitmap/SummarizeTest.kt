package fitmap

import kotlinx.serialization.SerializationException
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

class SummarizeTest {
    private fun request(text: String) = json.decodeFromString(SummarizeRequest.serializer(), text)

    private fun order(
        customer: String,
        region: String,
        vararg lines: Pair<Int, Int>,
    ) = SummarizeRequest.Order(customer, region, lines.map { (quantity, price) -> SummarizeRequest.Line("sku", quantity, price) })

    private fun summaryOf(vararg orders: SummarizeRequest.Order) = assertNotNull(summarize(SummarizeRequest(orders.toList())))

    @Test
    fun `nothing makes no region`() {
        assertEquals("""{"orders":0,"regions":[]}""", json.encodeToString(Summary.serializer(), summaryOf()))
    }

    @Test
    fun `regions by revenue, then name`() {
        val summary = summaryOf(order("a", "x", 1 to 5), order("a", "z", 2 to 10, 1 to 1), order("a", "w", 5 to 1))
        assertEquals(listOf("z", "w", "x"), summary.regions.map { it.region })
        assertEquals(3, summary.regions[0].quantity)
        assertEquals(21, summary.regions[0].revenueCents)
    }

    @Test
    fun `the top customer is that of the region, ties to the smaller name`() {
        val summary =
            summaryOf(
                order("rich", "elsewhere", 100 to 100),
                order("b", "here", 1 to 10),
                order("c", "here", 1 to 6),
                order("a", "here", 1 to 10),
                order("c", "here", 1 to 4),
                order("rich", "here"),
            )
        assertEquals("a", summary.regions.single { it.region == "here" }.topCustomer)
    }

    @Test
    fun `names go by code point`() {
        assertTrue(compareByCodePoint("\uFFFD", "\uD83D\uDE00") < 0)
        assertTrue(compareByCodePoint("\uD83D\uDE00", "\uD83D\uDE01") < 0)
        assertTrue(compareByCodePoint("a", "ab") < 0)
        assertEquals(0, compareByCodePoint("é", "é"))
    }

    @Test
    fun `the largest numbers fit`() {
        assertEquals(100_000_000_000_000, summaryOf(order("a", "x", 1_000_000 to 100_000_000)).regions[0].revenueCents)
    }

    @Test
    fun `out of range is refused`() {
        for (line in listOf(0 to 1, 1_000_001 to 1, 1 to -1, 1 to 100_000_001)) {
            assertNull(summarize(SummarizeRequest(listOf(order("a", "x", line)))))
        }
        assertNull(summarize(SummarizeRequest(List(10_001) { order("a", "x") })))
    }

    @Test
    fun `bodies of another shape are refused`() {
        for (text in listOf(
            "",
            "[]",
            "{}",
            """{"orders":null}""",
            """{"orders":[null]}""",
            """{"orders":[{"customer":null,"region":"x","lines":[]}]}""",
            """{"orders":[{"customer":1,"region":"x","lines":[]}]}""",
            """{"orders":[{"customer":"a","region":"x"}]}""",
            """{"orders":[],}""",
            """{"orders":[]} x""",
        )) {
            assertFailsWith<SerializationException>(text) { request(text) }
        }
    }

    @Test
    fun `half a surrogate pair is no name`() {
        assertNull(summarize(SummarizeRequest(listOf(order("\ud800", "x")))))
        assertNull(summarize(SummarizeRequest(listOf(order("a", "x\udc00")))))
        assertNotNull(summarize(SummarizeRequest(listOf(order("\ud83d\ude00", "x")))))
    }
}
