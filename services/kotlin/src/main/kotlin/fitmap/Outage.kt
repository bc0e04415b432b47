package fitmap

import org.slf4j.LoggerFactory
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** Logs that the database went and that it came back: two events, however many requests meet them. */
class Outage(
    quiet: Duration = 1.seconds,
) {
    private val log = LoggerFactory.getLogger(Outage::class.java)
    private val quietNanos = quiet.inWholeNanoseconds
    private val lost = AtomicBoolean()

    @Volatile
    private var lastFailure = 0L

    fun failed(cause: Throwable) {
        lastFailure = System.nanoTime()
        if (lost.compareAndSet(false, true)) log.warn("database unavailable: {}", "$cause".inOneLine())
    }

    /** Back is a database that nothing has failed with for a while. Nearly always it was never away. */
    fun succeeded() {
        if (lost.get() && System.nanoTime() - lastFailure > quietNanos && lost.compareAndSet(true, false)) {
            log.info("database available again")
        }
    }
}
