#include <boost/describe/class.hpp>
#include <boost/system/system_error.hpp>
#include <boost/url/parse.hpp>
#include <format>

#include "api.hpp"
#include "failure.hpp"
#include "log.hpp"

namespace fitmap {
namespace {

struct ErrorBody {
  std::string_view error;
  std::string_view detail;
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (error, detail))

Answer error_answer(unsigned status, std::string_view error, std::string_view detail, std::string_view allow = {}) {
  auto answer = json_answer(ErrorBody{error, detail}, status);
  answer.allow = allow;
  return answer;
}

}  // namespace

struct Api::Route {
  std::string_view method;
  std::string_view pattern;
  Task<Answer> (Api::*handle)(const Request&, const Parameters&);
};

std::span<const Api::Route> Api::routes() {
  static constexpr Route routes[] = {
      {"GET", "/health", &Api::health},
      {"GET", "/meta", &Api::meta},
      {"GET", "/ping", &Api::ping},
      {"GET", "/cpu/collatz", &Api::collatz},
      {"POST", "/cpu/summarize", &Api::summarize},
      {"GET", "/wait", &Api::wait},
      {"GET", "/products/{id}", &Api::product},
      {"GET", "/products/{id}/slow", &Api::product_slow},
      {"GET", "/customers/{id}/orders", &Api::customer_orders},
      {"POST", "/orders", &Api::create_order},
      {"GET", "/reports/regions", &Api::regions},
  };
  return routes;
}

bool matches(std::string_view pattern, std::string_view path, std::string_view& id) {
  constexpr std::string_view placeholder = "{id}";
  const auto at = pattern.find(placeholder);
  if (at == std::string_view::npos) return path == pattern;
  const auto before = pattern.substr(0, at);
  const auto after = pattern.substr(at + placeholder.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return false;
  id = path.substr(before.size(), path.size() - before.size() - after.size());
  return !id.contains('/');
}

Task<Answer> Api::dispatch(const Request& request) {
  if (request.target == "*") throw not_found("there is no such route");  // of OPTIONS
  // Only the form that begins with a slash. Fixed words are compared as they came: encoded ones are unknown.
  const auto url = boost::urls::parse_origin_form(request.target);
  if (!url) throw bad_request("the path or the query is malformed");
  for (const auto& route : routes()) {
    std::string_view id;
    if (!matches(route.pattern, url->encoded_path(), id)) continue;
    if (request.method != route.method) {
      throw Failure(405, "method_not_allowed", std::format("the route takes {} only", route.method), route.method);
    }
    if (route.method == "POST") {
      if (!is_json(request.content_type)) throw Failure(415, "unsupported_media_type", "the body must be application/json");
      if (request.body_too_large) throw Failure(413, "too_large", "the body may have 1048576 bytes at most");
    }
    const Parameters parameters(*url, id);
    co_return co_await (this->*route.handle)(request, parameters);
  }
  throw not_found("there is no such route");
}

Task<Answer> Api::answer(const Request& request) {
  try {
    co_return co_await dispatch(request);
  } catch (const Failure& failure) {
    co_return error_answer(failure.status, failure.error, failure.detail, failure.allow);
  } catch (const Unavailable&) {
    co_return error_answer(503, "database_unavailable", "the database did not answer");
  } catch (const boost::system::system_error& error) {
    // The request was cut off at the end of the service.
    if (error.code() == asio::error::operation_aborted) throw;
    log(std::format("{} {} failed: {}", request.method, request.target, error.what()));
  } catch (const std::exception& error) {
    // A bug, the one case in which a request is worth a line.
    log(std::format("{} {} failed: {}", request.method, request.target, error.what()));
  }
  co_return error_answer(500, "internal", "the service failed");
}

}  // namespace fitmap
