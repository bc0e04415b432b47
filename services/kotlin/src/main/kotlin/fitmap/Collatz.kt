package fitmap

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

@Serializable
class Collatz(
    val from: Int,
    val count: Int,
    @SerialName("longest_start") val longestStart: Int,
    @SerialName("longest_steps") val longestSteps: Int,
    @SerialName("total_steps") val totalSteps: Long,
)

/** Walks every start in [from, from + count) to 1; ties go to the smaller start. */
fun collatz(
    from: Int,
    count: Int,
): Collatz {
    var longestStart = from
    var longestSteps = -1
    var totalSteps = 0L
    for (start in from until from + count) {
        val steps = collatzSteps(start)
        totalSteps += steps
        if (steps > longestSteps) {
            longestStart = start
            longestSteps = steps
        }
    }
    return Collatz(from, count, longestStart, longestSteps, totalSteps)
}

private fun collatzSteps(start: Int): Int {
    var n = start.toLong()
    var steps = 0
    while (n != 1L) {
        n = if (n and 1L == 0L) n shr 1 else 3 * n + 1
        steps++
    }
    return steps
}
