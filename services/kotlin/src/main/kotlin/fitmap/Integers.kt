package fitmap

/** ASCII digits only, 1 to 10 of them, no sign; null for anything else and for what is out of [range]. */
fun parseDigits(
    text: String,
    range: IntRange,
): Int? {
    if (text.length !in 1..10) return null
    var value = 0L
    for (character in text) {
        // toInt() and isDigit() take the digits of every script.
        if (character !in '0'..'9') return null
        value = value * 10 + (character - '0')
    }
    return if (value in range.first..range.last) value.toInt() else null
}
