// One thread's part of the service: a loop, its share of the pool, and its clients.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <string>

#include "api.hpp"
#include "asio.hpp"
#include "pool.hpp"
#include "session.hpp"

namespace fitmap {

class Worker {
 public:
  // All outlive it.
  Worker(const DatabaseConfig& config, std::size_t pool_size, DatabaseState& state, const std::string& meta);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Opens the pool and serves. Returns when it has been drained.
  void run();
  Executor executor() { return context_.get_executor(); }

  // Both may be called from any thread.
  void take(Socket socket);
  // Ends after 10 s at most.
  void drain();

 private:
  void begin(Socket socket);
  Task<> finish();

  // Destroyed last: all others hold on to it.
  asio::io_context context_;
  asio::executor_work_guard<Executor> until_drained_;
  Pool pool_;
  Api api_;
  boost::intrusive::list<Session, boost::intrusive::constant_time_size<false>> sessions_;
  Timer drained_;
  bool is_draining_ = false;
};

}  // namespace fitmap
