import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;

/**
 * Runs the service at image build, so that the JVM records its AOT cache: classes loaded and
 * linked, and profiles for the just-in-time compiler. There is no database in a build: the pool's
 * classes are recorded as far as its failing to connect.
 *
 * <p>The arguments are the command that starts the service.
 */
final class Training {
  private static final int ROUNDS = 3_000;
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private Training() {}

  public static void main(String[] command) throws Exception {
    int port = freePort();
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().put("PORT", String.valueOf(port));
    builder
        .environment()
        .put("DATABASE_URL", "postgresql://training:training@127.0.0.1:1/training");
    Process service = builder.start();
    try {
      String base = "http://127.0.0.1:" + port;
      List<HttpRequest> requests =
          List.of(
              get(base + "/ping"),
              get(base + "/health"),
              get(base + "/meta"),
              get(base + "/cpu/collatz?from=1000&count=20"),
              get(base + "/wait?ms=0"),
              get(base + "/nowhere"),
              get(base + "/products/none"),
              post(base + "/orders", "{\"customer_id\":1,\"lines\":[]}"),
              post(base + "/cpu/summarize", orders()));
      awaitStart(requests.getFirst());
      // The one request here that reaches for the database, as slow as the pool's patience.
      send(get(base + "/products/1"));
      for (int i = 0; i < ROUNDS; i++) {
        for (HttpRequest request : requests) {
          send(request);
        }
      }
    } finally {
      service.destroy();
    }
    int status = service.waitFor();
    if (status != 0) {
      throw new IllegalStateException("the service ended with status " + status);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static void awaitStart(HttpRequest request) throws InterruptedException {
    for (int attempt = 0; attempt < 300; attempt++) {
      try {
        send(request);
        return;
      } catch (IOException e) {
        Thread.sleep(Duration.ofMillis(100));
      }
    }
    throw new IllegalStateException("the service did not start");
  }

  private static HttpRequest get(String uri) {
    return HttpRequest.newBuilder(URI.create(uri)).build();
  }

  private static HttpRequest post(String uri, String body) {
    return HttpRequest.newBuilder(URI.create(uri))
        .header("content-type", "application/json")
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  private static String orders() {
    String line = "{\"sku\":\"sku\",\"quantity\":2,\"price_cents\":300}";
    String lines = "[" + line + "," + line + "," + line + "]";
    StringBuilder orders = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      orders.append(i == 0 ? "" : ",");
      orders
          .append("{\"customer\":\"customer ")
          .append(i % 7)
          .append("\",\"region\":\"region ")
          .append(i % 5);
      orders.append("\",\"lines\":").append(lines).append("}");
    }
    return "{\"orders\":[" + orders + "]}";
  }

  private static void send(HttpRequest request) throws IOException, InterruptedException {
    CLIENT.send(request, BodyHandlers.ofByteArray());
  }
}
