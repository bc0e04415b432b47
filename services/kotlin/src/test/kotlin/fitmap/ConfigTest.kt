package fitmap

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse

class ConfigTest {
    private val minimal = mapOf("PORT" to "8080", "DATABASE_URL" to "postgresql://shop:secret@127.0.0.1:5432/fitmap")

    @Test
    fun `what is not given has a default`() {
        val config = Config.from(minimal)
        assertEquals("127.0.0.1", config.host)
        assertEquals(16, config.poolSize)
        assertEquals(Runtime.getRuntime().availableProcessors(), config.cpus)
    }

    @Test
    fun `user and password may be percent-encoded, and a plus sign is itself`() {
        val config = Config.from(minimal + ("DATABASE_URL" to "postgresql://a%40b:p%3A+%25@db.local:6543/fitmap"))
        assertEquals("a@b", config.database.user)
        assertEquals("p:+%", config.database.password)
        assertEquals("db.local", config.database.host)
        assertEquals(6543, config.database.port)
        assertEquals("fitmap", config.database.name)
    }

    @Test
    fun `a missing or malformed value is refused by name`() {
        fun refused(
            name: String,
            value: String?,
        ) {
            val environment = if (value == null) minimal - name else minimal + (name to value)
            val error = assertFailsWith<ConfigError>("$name=$value") { Config.from(environment) }
            assertEquals(name, error.message?.substringBefore(' '))
        }
        refused("PORT", null)
        listOf("", "0", "65536", "80a", "-1", " 80").forEach { refused("PORT", it) }
        listOf("", "0", "1025", "two").forEach { refused("CPUS", it) }
        listOf("", "0", "1001", "1.5").forEach { refused("DB_POOL_SIZE", it) }
        listOf("", "no such host.invalid").forEach { refused("HOST", it) }
        refused("DATABASE_URL", null)
        listOf(
            "",
            "fitmap",
            "mysql://u:p@h:1/n",
            "postgresql://h:5432/n",
            "postgresql://u@h:5432/n",
            "postgresql://u:p@h/n",
            "postgresql://u:p@h:0/n",
            "postgresql://u:p@h:5432/",
            "postgresql://u:p@h:5432/a/b",
            "postgresql://u:%zz@h:5432/n",
            "postgresql://u:@h:5432/n",
            "postgresql://u:p@h:5432/n?sslmode=disable",
            "postgresql://u:p@h:5432/n?",
            "postgresql://u:p@h:5432/n#f",
        ).forEach { refused("DATABASE_URL", it) }
    }

    @Test
    fun `a refusal does not repeat the password`() {
        val error = assertFailsWith<ConfigError> { Config.from(minimal + ("DATABASE_URL" to "postgresql://u:hush@h/n")) }
        assertFalse("hush" in error.message.orEmpty())
    }
}
