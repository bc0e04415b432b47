package fitmap

import kotlinx.serialization.SerializationException
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class IntegersTest {
    @Test
    fun `one to ten ASCII digits in range, leading zeros allowed`() {
        assertEquals(7, parseDigits("7", 1..10))
        assertEquals(7, parseDigits("0000000007", 1..10))
        assertEquals(Int.MAX_VALUE, parseDigits("2147483647", 1..Int.MAX_VALUE))
        for (text in listOf("", "0", "11", "00000000007", "2147483648", "9999999999", "+7", "-7", "7.0", "7 ", " 7", "٧", "0x7")) {
            assertNull(parseDigits(text, 1..10), text)
        }
    }

    @Test
    fun `a JSON integer has no fraction, exponent, plus sign or leading zero`() {
        assertEquals(0, parseJsonInteger("0"))
        assertEquals(-12, parseJsonInteger("-12"))
        assertEquals(Int.MAX_VALUE, parseJsonInteger("2147483647"))
        for (text in listOf("", "-", "01", "-01", "+1", "1.0", "1e2", "1E2", "2147483648", "18446744073709551617", "true", "null", "٧")) {
            assertNull(parseJsonInteger(text), text)
        }
    }

    @Test
    fun `a body's integer is not a string, a boolean or null`() {
        fun decode(quantity: String) =
            json.decodeFromString(
                OrderRequest.serializer(),
                """{"customer_id":1,"lines":[{"product_id":2,"quantity":$quantity}],"more":[{}]}""",
            )
        assertEquals(3, decode("3").lines.single().quantity)
        for (value in listOf("\"3\"", "3.0", "3e0", "true", "null", "[3]", "{}", "18446744073709551617", "")) {
            assertFailsWith<SerializationException>(value) { decode(value) }
        }
    }

    @Test
    fun `arrays within arrays end no thread`() {
        val body = """{"customer_id":${"[".repeat(100_000)}"""
        assertFailsWith<SerializationException> { json.decodeFromString(OrderRequest.serializer(), body) }
    }
}
