// The routes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "asio.hpp"
#include "database_state.hpp"
#include "pool.hpp"
#include "request.hpp"

namespace fitmap {

class Api {
 public:
  // All outlive it. `meta`: what GET /meta answers.
  Api(Pool& pool, const DatabaseState& state, const std::string& meta) : pool_(pool), state_(state), meta_(meta) {}

  // Answers whatever comes: errors are answers too.
  Task<Answer> answer(const Request& request);

 private:
  struct Route;
  static std::span<const Route> routes();

  Task<Answer> dispatch(const Request& request);

  Task<Answer> health(const Request& request, const Parameters& parameters);
  Task<Answer> meta(const Request& request, const Parameters& parameters);
  Task<Answer> ping(const Request& request, const Parameters& parameters);
  Task<Answer> collatz(const Request& request, const Parameters& parameters);
  Task<Answer> summarize(const Request& request, const Parameters& parameters);
  Task<Answer> wait(const Request& request, const Parameters& parameters);
  Task<Answer> product(const Request& request, const Parameters& parameters);
  Task<Answer> product_slow(const Request& request, const Parameters& parameters);
  Task<Answer> customer_orders(const Request& request, const Parameters& parameters);
  Task<Answer> create_order(const Request& request, const Parameters& parameters);
  Task<Answer> regions(const Request& request, const Parameters& parameters);

  Pool& pool_;
  const DatabaseState& state_;
  const std::string& meta_;
};

// Whether a path is that of a pattern, whose `{id}` stands for a segment that is not empty; `id` becomes that segment.
bool matches(std::string_view pattern, std::string_view path, std::string_view& id);

}  // namespace fitmap
