#include <boost/asio/this_coro.hpp>
#include <boost/describe/class.hpp>
#include <format>

#include "api.hpp"
#include "collatz.hpp"
#include "failure.hpp"
#include "shop.hpp"
#include "summarize.hpp"

namespace fitmap {
namespace {

struct Health {
  std::string_view status;
};
BOOST_DESCRIBE_STRUCT(Health, (), (status))

struct Waited {
  std::int64_t waited_ms;
};
BOOST_DESCRIBE_STRUCT(Waited, (), (waited_ms))

// For ranges that 32 bits hold.
std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

}  // namespace

Task<Answer> Api::health(const Request&, const Parameters&) {
  // Without asking the database, as long as the pool is not whole.
  if (!state_.is_ready()) co_return json_answer(Health{"starting"}, 503);
  try {
    const auto database = co_await pool_.acquire();
    co_await database->execute(sql::health);
    co_return json_answer(Health{"ok"});
  } catch (const Unavailable&) {
    co_return json_answer(Health{"starting"}, 503);
  }
}

Task<Answer> Api::meta(const Request&, const Parameters&) { co_return Answer{.body = meta_}; }

Task<Answer> Api::ping(const Request&, const Parameters&) { co_return Answer{.body = "pong", .content_type = "text/plain"}; }

Task<Answer> Api::collatz(const Request&, const Parameters& parameters) {
  const auto from = parameters.required("from", 1, 1'000'000);
  const auto count = parameters.required("count", 1, 100'000);
  co_return json_answer(co_await walk_collatz(from, count));
}

Task<Answer> Api::summarize(const Request& request, const Parameters&) {
  co_return json_answer(fitmap::summarize(request.body));
}

Task<Answer> Api::wait(const Request&, const Parameters& parameters) {
  const auto milliseconds = parameters.required("ms", 0, 10'000);
  Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(milliseconds));
  co_await timer.async_wait(awaiting);
  co_return json_answer(Waited{milliseconds});
}

Task<Answer> Api::product(const Request&, const Parameters& parameters) {
  const auto id = parameters.id();
  const auto database = co_await pool_.acquire();
  co_return json_answer(co_await fitmap::product(*database, id));
}

Task<Answer> Api::product_slow(const Request&, const Parameters& parameters) {
  const auto id = parameters.id();
  const auto milliseconds = narrow(parameters.required("ms", 0, 1'000));
  const auto database = co_await pool_.acquire();
  co_return json_answer(co_await fitmap::product_slow(*database, id, milliseconds));
}

Task<Answer> Api::customer_orders(const Request&, const Parameters& parameters) {
  const auto id = parameters.id();
  const auto limit = narrow(parameters.optional("limit", 1, 100).value_or(20));
  const auto database = co_await pool_.acquire();
  co_return json_answer(co_await fitmap::customer_orders(*database, id, limit));
}

Task<Answer> Api::create_order(const Request& request, const Parameters&) {
  const auto order = read_order(request.body);
  const auto database = co_await pool_.acquire();
  const auto created = co_await fitmap::create_order(*database, order);
  auto answer = json_answer(created, 201);
  answer.location = std::format("/orders/{}", created.id);
  co_return answer;
}

Task<Answer> Api::regions(const Request&, const Parameters& parameters) {
  const auto days = narrow(parameters.required("days", 1, 365));
  const auto database = co_await pool_.acquire();
  co_return json_answer(co_await fitmap::regions(*database, days));
}

}  // namespace fitmap
