// What all threads know of the database: whether the service is ready, and whether the database was there the last time.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>

namespace fitmap {

class DatabaseState {
 public:
  explicit DatabaseState(std::size_t pools) : closed_pools_(pools) {}

  // A pool has opened all of its connections, for the first time.
  void pool_opened();
  // Whether all have.
  bool is_ready() const { return closed_pools_.load(std::memory_order_acquire) == 0; }

  // These log the first of a row only.
  void reached();
  void lost(std::string_view problem);

 private:
  std::atomic<std::size_t> closed_pools_;
  std::atomic<bool> reachable_ = true;
};

}  // namespace fitmap
