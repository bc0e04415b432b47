package fitmap

import org.slf4j.LoggerFactory
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.PrintStream
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.time.Duration.Companion.milliseconds

class LogTest {
    private fun logged(block: () -> Unit): List<String> {
        val real = System.err
        val captured = ByteArrayOutputStream()
        System.setErr(PrintStream(captured, true))
        try {
            block()
        } finally {
            System.setErr(real)
        }
        return captured.toString().lines().filter { it.isNotBlank() }
    }

    @Test
    fun `a failure is a line`() {
        val cause = IllegalStateException("outer", IllegalStateException("inner"))
        val line = logged { LoggerFactory.getLogger("test").failure("broken", cause) }.single()
        assertContains(line, "broken: java.lang.IllegalStateException: outer | at fitmap.LogTest")
        assertContains(line, " | Caused by: java.lang.IllegalStateException: inner | ")
    }

    @Test
    fun `an outage is a line, and so is its end`() {
        val outage = Outage(50.milliseconds)
        val lines =
            logged {
                outage.succeeded()
                repeat(3) { outage.failed(IOException("refused\nreally")) }
                Thread.sleep(100)
                repeat(3) { outage.succeeded() }
            }
        assertEquals(2, lines.size, "$lines")
        assertContains(lines[0], "database unavailable: java.io.IOException: refused | really")
        assertContains(lines[1], "database available again")
    }

    @Test
    fun `failures between successes are one outage`() {
        val outage = Outage()
        val lines =
            logged {
                repeat(3) {
                    outage.failed(IOException())
                    outage.succeeded()
                }
            }
        assertEquals(1, lines.size, "$lines")
    }
}
