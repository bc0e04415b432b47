#include "worker.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <memory>

#include "log.hpp"

namespace fitmap {
namespace {

// A request that the service holds takes less. A body that is still on its way may take longer, and is cut off.
constexpr std::chrono::seconds drain_limit{10};
constexpr int one_thread = 1;

}  // namespace

Worker::Worker(const DatabaseConfig& config, std::size_t pool_size, DatabaseState& state, const std::string& meta)
    : context_(one_thread),
      until_drained_(context_.get_executor()),
      pool_(context_.get_executor(), config, pool_size, state),
      api_(pool_, state, meta),
      drained_(context_.get_executor()) {}

void Worker::run() {
  pool_.open();
  context_.run();
}

void Worker::take(Socket socket) {
  asio::dispatch(context_, [this, socket = std::move(socket)]() mutable { begin(std::move(socket)); });
}

void Worker::begin(Socket socket) {
  if (is_draining_) return;
  const auto session = std::make_shared<Session>(std::move(socket), api_);
  sessions_.push_back(*session);
  asio::co_spawn(context_, session->run(),
                 asio::bind_cancellation_slot(session->cancellation_slot(), [this, session](std::exception_ptr) {
                   session->unlink();
                   if (sessions_.empty()) drained_.cancel();
                 }));
}

void Worker::drain() { asio::co_spawn(context_, finish(), asio::detached); }

Task<> Worker::finish() {
  is_draining_ = true;
  for (auto& session : sessions_) session.drain();
  drained_.expires_after(drain_limit);
  if (!sessions_.empty()) co_await drained_.async_wait(with_error);
  if (!sessions_.empty()) log("some requests did not finish in time");
  for (auto& session : sessions_) session.cut_off();
  pool_.close();
  until_drained_.reset();
}

}  // namespace fitmap
