#include "database_state.hpp"

#include <format>

#include "log.hpp"

namespace fitmap {

void DatabaseState::pool_opened() {
  if (closed_pools_.fetch_sub(1, std::memory_order_acq_rel) == 1) log("ready");
}

void DatabaseState::reached() {
  if (!reachable_.exchange(true, std::memory_order_relaxed)) log("the database is back");
}

void DatabaseState::lost(std::string_view problem) {
  if (reachable_.exchange(false, std::memory_order_relaxed)) log(std::format("the database is unavailable: {}", problem));
}

}  // namespace fitmap
