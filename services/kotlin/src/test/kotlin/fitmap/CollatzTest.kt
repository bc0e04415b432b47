package fitmap

import kotlin.test.Test
import kotlin.test.assertEquals

class CollatzTest {
    @Test
    fun `27 takes 111 steps`() {
        val one = collatz(27, 1)
        assertEquals(27, one.longestStart)
        assertEquals(111, one.longestSteps)
        assertEquals(111, one.totalSteps)
    }

    @Test
    fun `1 takes none`() {
        assertEquals(0, collatz(1, 1).longestSteps)
    }

    @Test
    fun `ties go to the smaller start`() {
        // 12 and 13 both take 9 steps.
        val two = collatz(12, 2)
        assertEquals(12, two.longestStart)
        assertEquals(18, two.totalSteps)
    }

    @Test
    fun `intermediate values do not overflow`() {
        // From 704,511 the walk climbs to 56,991,483,520, beyond 32 bits.
        assertEquals(242, collatz(704_511, 1).longestSteps)
    }
}
