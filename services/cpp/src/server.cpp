#include "server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <deque>
#include <format>
#include <system_error>
#include <thread>
#include <vector>

#include "log.hpp"
#include "meta.hpp"
#include "worker.hpp"

namespace fitmap {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Signals = asio::basic_signal_set<Executor>;

// Hands connections to the workers in turn.
Task<> accept_all(Acceptor& acceptor, std::deque<Worker>& workers) {
  Timer pause(acceptor.get_executor());
  for (std::size_t turn = 0; acceptor.is_open(); ++turn) {
    auto& worker = workers[turn % workers.size()];
    auto [error, socket] = co_await acceptor.async_accept(worker.executor(), with_error);
    if (!error) {
      worker.take(std::move(socket));
    } else if (acceptor.is_open()) {
      // Out of file descriptors, say: only time helps.
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(awaiting);
    }
  }
}

Task<> drain_on(Signals& signals, Acceptor& acceptor, std::deque<Worker>& workers) {
  co_await signals.async_wait(awaiting);
  log("draining");
  acceptor.close();
  for (auto& worker : workers) worker.drain();
}

}  // namespace

void serve(const Config& config) {
  const auto count = config.cpus;
  const auto meta = describe_target(config.cpus, config.pool_size);
  DatabaseState state(count);
  std::deque<Worker> workers;
  for (std::size_t i = 0; i < count; ++i) {
    // Each has a connection at least.
    const auto share = config.pool_size / count + (i < config.pool_size % count ? 1 : 0);
    workers.emplace_back(config.database, std::max<std::size_t>(share, 1), state, meta);
  }

  const auto executor = workers.front().executor();
  // Before the port opens: process 1 ignores signals without a handler.
  Signals signals(executor, SIGTERM, SIGINT);
  Acceptor acceptor(executor, {asio::ip::make_address(config.host), config.port});
  log(std::format("listening on {}:{}", config.host, config.port));

  std::vector<std::jthread> threads;
  try {
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back([&worker = workers[i]] { worker.run(); });
  } catch (const std::system_error&) {
    for (auto& worker : workers) worker.drain();
    throw;
  }
  asio::co_spawn(executor, accept_all(acceptor, workers), asio::detached);
  asio::co_spawn(executor, drain_on(signals, acceptor, workers), asio::detached);
  workers.front().run();
}

}  // namespace fitmap
