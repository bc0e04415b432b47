package fitmap

import org.slf4j.Logger

private val LINE_BREAK = Regex("""\R\s*""")

fun String.inOneLine(): String = trim().replace(LINE_BREAK, " | ")

/** An event is a line: given the cause itself, slf4j-simple would print its stack trace over many. */
fun Logger.failure(
    event: String,
    cause: Throwable,
) = error("{}: {}", event, cause.stackTraceToString().inOneLine())
