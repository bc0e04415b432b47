package fitmap

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import java.util.Properties

@Serializable
class Meta(
    val target: String,
    val language: String,
    val runtime: String,
    val framework: String,
    val driver: String,
    @SerialName("class") val targetClass: String,
    val cpus: Int,
    @SerialName("db_pool_size") val poolSize: Int,
) {
    companion object {
        fun of(config: Config): Meta {
            // Maven writes the versions that it resolved into this file.
            val build = Meta::class.java.getResourceAsStream("/build.properties").use { Properties().apply { load(it) } }
            return Meta(
                target = "kotlin",
                language = "Kotlin",
                runtime = "kotlin ${KotlinVersion.CURRENT}, openjdk ${Runtime.version()}",
                framework = build.getProperty("framework"),
                driver = build.getProperty("driver"),
                targetClass = CLASS,
                cpus = config.cpus,
                poolSize = config.poolSize,
            )
        }
    }
}
