package fitmap

import java.net.ServerSocket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import kotlin.system.exitProcess

private const val ROUNDS = 300

/**
 * The training run of the AOT cache: starts the command given as arguments, sends it requests, stops it, and hands on
 * its exit status. No database is at hand where images are built, so the database's side stays untrained.
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
        train("http://127.0.0.1:$port")
    } finally {
        service.destroy()
    }
    exitProcess(service.waitFor())
}

private fun train(base: String) {
    val client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()

    fun send(
        path: String,
        body: String? = null,
    ) {
        val request = HttpRequest.newBuilder(URI("$base$path"))
        if (body != null) request.POST(BodyPublishers.ofString(body)).header("content-type", "application/json")
        client.send(request.build(), BodyHandlers.discarding())
    }

    val line = """{"sku":"sku","quantity":3,"price_cents":250}"""
    val order = """{"customer":"someone","region":"europe","lines":[$line,$line]}"""
    val orders = """{"orders":[${List(40) { order }.joinToString(",")}]}"""
    var attempts = 0
    while (true) {
        try {
            send("/health")
            break
        } catch (failure: java.io.IOException) {
            if (++attempts == 100) throw failure
            Thread.sleep(100)
        }
    }
    repeat(ROUNDS) {
        send("/health")
        send("/meta")
        send("/ping")
        send("/cpu/collatz?from=1000&count=500")
        send("/cpu/summarize", orders)
        send("/wait?ms=0")
        send("/products/1")
        send("/products/1/slow?ms=0")
        send("/customers/1/orders")
        send("/reports/regions?days=1")
        send("/orders", """{"customer_id":1,"lines":[{"product_id":1,"quantity":1}]}""")
        send("/products/none")
        send("/none")
    }
}
