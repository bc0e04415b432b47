import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;

/**
 * Starts the service at image build and stops it once it listens, so that the JVM records its AOT
 * cache: the classes that a start loads and links. No request is sent. Profiles recorded under load
 * made four of six starts a third slower, for good (docs/development/service-tuning.md). There is
 * no database in a build: the pool's classes are recorded as far as its failing to connect.
 *
 * <p>The arguments are the command that starts the service.
 */
final class Training {
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
      awaitStart(port);
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

  private static void awaitStart(int port) throws InterruptedException {
    for (int attempt = 0; attempt < 300; attempt++) {
      try (Socket connection = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (IOException e) {
        Thread.sleep(Duration.ofMillis(100));
      }
    }
    throw new IllegalStateException("the service did not start");
  }
}
