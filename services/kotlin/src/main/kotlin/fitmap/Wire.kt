package fitmap

import io.ktor.serialization.ContentConverter
import io.ktor.serialization.kotlinx.KotlinxSerializationConverter
import io.ktor.server.plugins.PayloadTooLargeException
import io.ktor.util.reflect.TypeInfo
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.charsets.Charset
import io.ktor.utils.io.readRemaining
import kotlinx.io.readByteArray
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
import kotlinx.serialization.serializer

const val BODY_LIMIT = 1_048_576L

// About a third of a millisecond of parsing.
private const val LONG_BODY = 65_536

val json: Json = Json { ignoreUnknownKeys = true }

/** Ktor's own converter takes a body of any size, and puts U+FFFD for what is no UTF-8. The contract refuses both. */
class StrictJson(
    private val format: Json,
) : ContentConverter by KotlinxSerializationConverter(format) {
    override suspend fun deserialize(
        charset: Charset,
        typeInfo: TypeInfo,
        content: ByteReadChannel,
    ): Any? {
        val body = content.readRemaining(BODY_LIMIT + 1).readByteArray()
        if (body.size > BODY_LIMIT) throw PayloadTooLargeException(BODY_LIMIT)
        val deserializer = format.serializersModule.serializer(checkNotNull(typeInfo.kotlinType))
        return compute(isLong = body.size > LONG_BODY) {
            format.decodeFromString(deserializer, body.decodeToString(throwOnInvalidSequence = true))
        }
    }
}

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
