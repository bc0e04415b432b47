package fitmap

import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import kotlin.system.exitProcess

private const val ATTEMPTS = 300
private const val PAUSE_MILLIS = 100L

/**
 * The training run of the AOT cache: starts the command given as arguments, stops it once it listens, and hands on its
 * exit status. The cache holds the classes that a start loads and links. No request is sent: profiles recorded under
 * load can make a start slower for good (docs/development/service-tuning.md).
 */
fun main(command: Array<String>) {
    // The build may share the host's network: a fixed port might be taken.
    val port = ServerSocket(0).use { it.localPort }
    val service =
        ProcessBuilder(*command)
            .inheritIO()
            .apply {
                environment() += mapOf("HOST" to "127.0.0.1", "PORT" to "$port", "CPUS" to "1")
                environment().putIfAbsent("DATABASE_URL", "postgresql://none:none@127.0.0.1:1/none")
            }.start()
    try {
        awaitStart(port)
    } finally {
        service.destroy()
    }
    exitProcess(service.waitFor())
}

private fun awaitStart(port: Int) {
    repeat(ATTEMPTS) {
        try {
            return Socket(InetAddress.getLoopbackAddress(), port).close()
        } catch (failure: IOException) {
            Thread.sleep(PAUSE_MILLIS)
        }
    }
    error("the service did not start")
}
