package fitmap

import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonPrimitive

val json: Json = Json { ignoreUnknownKeys = true }

/** An integer of a request body. */
typealias JsonInt =
    @Serializable(StrictInt::class)
    Int

/** The library's own decodeInt() takes "1" and 1e2 for integers, and 2^64 + 1 for 1. */
object StrictInt : KSerializer<Int> {
    override val descriptor = PrimitiveSerialDescriptor("fitmap.StrictInt", PrimitiveKind.INT)

    override fun serialize(
        encoder: Encoder,
        value: Int,
    ) = encoder.encodeInt(value)

    override fun deserialize(decoder: Decoder): Int {
        val element = (decoder as JsonDecoder).decodeJsonElement()
        val number = if (element is JsonPrimitive && !element.isString) parseJsonInteger(element.content) else null
        return number ?: throw SerializationException("not an integer")
    }
}

/** Not toInt() alone: it takes a plus sign, leading zeros, and the digits of every script. */
internal fun parseJsonInteger(text: String): Int? {
    val first = if (text.startsWith('-')) 1 else 0
    if (first == text.length || (text[first] == '0' && first + 1 < text.length)) return null
    for (i in first until text.length) if (text[i] !in '0'..'9') return null
    return text.toIntOrNull()
}
