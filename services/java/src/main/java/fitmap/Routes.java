package fitmap;

import io.helidon.http.DirectHandler;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.DirectHandler.TransportResponse;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The contract's routes on Helidon's router. */
final class Routes {
  private static final System.Logger LOG = System.getLogger(Routes.class.getName());
  private static final byte[] PONG = "pong".getBytes(StandardCharsets.UTF_8);
  private static final Json.Reader<Summary.Request> SUMMARIZE = Json.reader(Summary.Request.class);
  private static final Json.Reader<Orders.Request> CREATE_ORDER = Json.reader(Orders.Request.class);

  private final Database database;
  private final Store store;
  private final Orders orders;
  private final Meta meta;

  private record Route(Method method, String path, Handler handler) {}

  record Health(String status) {}

  record Waited(int waitedMs) {}

  Routes(Database database, Meta meta) {
    this.database = database;
    this.store = new Store(database);
    this.orders = new Orders(database);
    this.meta = meta;
  }

  HttpRouting.Builder routing() {
    List<Route> routes = new ArrayList<>();
    routes.add(new Route(Method.GET, "/health", this::health));
    routes.add(new Route(Method.GET, "/meta", this::meta));
    routes.add(new Route(Method.GET, "/ping", Routes::ping));
    routes.add(new Route(Method.GET, "/cpu/collatz", Routes::collatz));
    routes.add(new Route(Method.POST, "/cpu/summarize", Routes::summarize));
    routes.add(new Route(Method.GET, "/wait", Routes::pause));
    routes.add(new Route(Method.GET, "/products/{id}", this::product));
    routes.add(new Route(Method.GET, "/products/{id}/slow", this::productSlow));
    routes.add(new Route(Method.GET, "/customers/{id}/orders", this::customerOrders));
    routes.add(new Route(Method.POST, "/orders", this::createOrder));
    routes.add(new Route(Method.GET, "/reports/regions", this::regions));

    HttpRouting.Builder routing = HttpRouting.builder();
    routes.forEach(route -> routing.route(route.method(), route.path(), route.handler()));
    for (Route route : routes) {
      routing.any(
          route.path(),
          (request, response) -> {
            throw ApiException.methodNotAllowed(route.method());
          });
    }
    routing.any(
        (request, response) -> {
          throw ApiException.notFound("There is no such route.");
        });
    routing.error(ApiException.class, (request, response, e) -> fail(response, e));
    routing.error(
        Throwable.class,
        (request, response, e) -> {
          LOG.log(System.Logger.Level.ERROR, "internal error in " + request.path().rawPath(), e);
          fail(response, ApiException.internal());
        });
    return routing;
  }

  /**
   * What Helidon answers by itself, where a request never reaches a route: malformed HTTP. Of some
   * of it, such as a line that ends without a carriage return, Helidon says that it is an internal
   * error, and would log it. Those of a route end in the routing's own handler.
   */
  static DirectHandlers directHandlers() {
    DirectHandler handler =
        (request, type, status, headers, message) -> {
          ApiException e =
              status.code() == Status.REQUEST_ENTITY_TOO_LARGE_413.code()
                  ? ApiException.tooLarge()
                  : ApiException.badRequest("The request is not well-formed HTTP.");
          return TransportResponse.builder()
              .status(e.status())
              .header(HeaderValues.CONTENT_TYPE_JSON)
              .keepAlive(false)
              .entity(Json.write(e.body()))
              .build();
        };
    DirectHandlers.Builder handlers = DirectHandlers.builder();
    for (EventType type : EventType.values()) {
      handlers.addHandler(type, handler);
    }
    return handlers.build();
  }

  private static void json(ServerResponse response, byte[] body) {
    response.header(HeaderValues.CONTENT_TYPE_JSON).send(body);
  }

  private static void fail(ServerResponse response, ApiException e) {
    if (e.allow() != null) {
      response.header(HeaderNames.ALLOW, e.allow().text());
    }
    response.status(e.status());
    json(response, Json.write(e.body()));
  }

  private void meta(ServerRequest request, ServerResponse response) {
    json(response, Json.write(meta));
  }

  private static void ping(ServerRequest request, ServerResponse response) {
    response.header(HeaderValues.CONTENT_TYPE_TEXT_PLAIN).send(PONG);
  }

  private static void collatz(ServerRequest request, ServerResponse response) {
    int from = Requests.parameter(request, "from", 1, 1_000_000);
    int count = Requests.parameter(request, "count", 1, 100_000);
    json(response, Json.write(Collatz.walk(from, count)));
  }

  private static void summarize(ServerRequest request, ServerResponse response) throws Exception {
    Summary.Request body = SUMMARIZE.read(Requests.jsonBody(request));
    json(response, Json.write(Summary.of(body)));
  }

  private static void pause(ServerRequest request, ServerResponse response)
      throws InterruptedException {
    int milliseconds = Requests.parameter(request, "ms", 0, 10_000);
    Thread.sleep(milliseconds);
    json(response, Json.write(new Waited(milliseconds)));
  }

  private void health(ServerRequest request, ServerResponse response) {
    if (database.opened()) {
      try {
        store.ping();
        json(response, Json.write(new Health("ok")));
        return;
      } catch (ApiException e) {
        // Not ready any more: said below.
      }
    }
    response.status(Status.SERVICE_UNAVAILABLE_503);
    json(response, Json.write(new Health("starting")));
  }

  private void product(ServerRequest request, ServerResponse response) {
    json(response, Json.write(store.product(Requests.id(request))));
  }

  private void productSlow(ServerRequest request, ServerResponse response) {
    int id = Requests.id(request);
    int milliseconds = Requests.parameter(request, "ms", 0, 1_000);
    json(response, Json.write(store.productSlow(id, milliseconds)));
  }

  private void customerOrders(ServerRequest request, ServerResponse response) {
    int id = Requests.id(request);
    int limit = Requests.parameter(request, "limit", 1, 100, 20);
    json(response, Json.write(store.customerOrders(id, limit)));
  }

  private void createOrder(ServerRequest request, ServerResponse response) throws Exception {
    Orders.Request body = CREATE_ORDER.read(Requests.jsonBody(request));
    Orders.Created created = orders.create(body);
    response.status(Status.CREATED_201).header(HeaderNames.LOCATION, "/orders/" + created.id());
    json(response, Json.write(created));
  }

  private void regions(ServerRequest request, ServerResponse response) {
    json(response, Json.write(store.regions(Requests.parameter(request, "days", 1, 365))));
  }
}
