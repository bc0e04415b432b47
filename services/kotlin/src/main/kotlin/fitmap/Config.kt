package fitmap

import java.net.InetAddress
import java.net.URI
import java.net.URISyntaxException
import java.net.URLDecoder
import java.net.UnknownHostException

class ConfigError(
    message: String,
) : Exception(message)

class DatabaseAddress(
    val host: String,
    val port: Int,
    val name: String,
    val user: String,
    val password: String,
)

class Config(
    val host: String,
    val port: Int,
    val cpus: Int,
    val poolSize: Int,
    val database: DatabaseAddress,
) {
    companion object {
        /** @throws ConfigError naming the variable; never its value, which may be a secret. */
        fun from(environment: Map<String, String>) =
            Config(
                host = host(environment["HOST"] ?: "127.0.0.1"),
                port = integer(environment, "PORT", 1..65_535, default = null),
                cpus = integer(environment, "CPUS", 1..1024, default = Runtime.getRuntime().availableProcessors()),
                poolSize = integer(environment, "DB_POOL_SIZE", 1..1000, default = 16),
                database = database(environment["DATABASE_URL"] ?: throw ConfigError("DATABASE_URL is missing")),
            )

        private fun integer(
            environment: Map<String, String>,
            name: String,
            range: IntRange,
            default: Int?,
        ): Int {
            val text = environment[name] ?: return default ?: throw ConfigError("$name is missing")
            return parseDigits(text, range)
                ?: throw ConfigError("$name must be an integer from ${range.first} to ${range.last}")
        }

        private fun host(text: String): String =
            try {
                // The empty name would stand for loopback.
                require(text.isNotEmpty())
                InetAddress.getByName(text).hostAddress
            } catch (_: IllegalArgumentException) {
                throw ConfigError("HOST is empty")
            } catch (_: UnknownHostException) {
                throw ConfigError("HOST must be an address or a name that resolves to one")
            }

        private fun database(url: String): DatabaseAddress {
            val malformed = ConfigError("DATABASE_URL must read postgresql://user:password@host:port/name")
            val uri =
                try {
                    URI(url)
                } catch (_: URISyntaxException) {
                    throw malformed
                }
            val (user, password) = uri.rawUserInfo?.split(':', limit = 2)?.takeIf { it.size == 2 } ?: throw malformed
            val name = uri.rawPath?.removePrefix("/").orEmpty()
            if (uri.scheme != "postgresql" || uri.host == null || uri.port !in 1..65_535 ||
                user.isEmpty() || password.isEmpty() || name.isEmpty() || '/' in name ||
                uri.rawQuery != null || uri.rawFragment != null
            ) {
                throw malformed
            }
            return DatabaseAddress(uri.host, uri.port, percentDecoded(name), percentDecoded(user), percentDecoded(password))
        }

        // URLDecoder is for forms, where a plus sign is a space; in a URL it is itself.
        private fun percentDecoded(text: String): String = URLDecoder.decode(text.replace("+", "%2B"), Charsets.UTF_8)
    }
}
