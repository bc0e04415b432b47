#include "pool.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>

#include "failure.hpp"

namespace fitmap {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_limit = 2s;
constexpr auto acquire_limit = 2s;
// The database ends a statement after 5 s by itself. This is for several statements, and for one that has stopped answering.
constexpr auto work_limit = 6s;
// After that the database ends the statement under way by itself, if it still answers.
constexpr auto settle_limit = 6s;
constexpr auto retry = 100ms;

}  // namespace

Lease::~Lease() {
  if (connection_) pool_->give_back(std::move(connection_));
}

Pool::Waiter::~Waiter() {
  if (granted) pool.give_back(std::move(granted));
}

Pool::Pool(Executor executor, const DatabaseConfig& config, std::size_t size, DatabaseState& state)
    : executor_(executor), config_(config), size_(size), state_(state) {}

void Pool::open() {
  for (std::size_t i = 0; i < size_; ++i) open_another();
}

Task<Lease> Pool::acquire() {
  std::unique_ptr<Connection> connection;
  while (!connection && !idle_.empty()) {
    connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->is_quiet()) {
      connection.reset();
      open_another();
    }
  }
  if (!connection) {
    Waiter waiter(*this);
    waiting_.push_back(waiter);
    waiter.timer.expires_after(acquire_limit);
    co_await waiter.timer.async_wait(with_error);
    if (!waiter.granted) throw Unavailable("no connection became free in time");
    connection = std::move(waiter.granted);
  }
  connection->set_deadline(Clock::now() + work_limit);
  co_return Lease(*this, std::move(connection));
}

void Pool::close() {
  closed_ = true;
  idle_.clear();
  for (auto* signals : {&opening_, &settling_}) {
    for (auto& signal : *signals) signal.emit(asio::cancellation_type::terminal);
  }
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  if (connection->is_idle()) {
    put(std::move(connection));
    return;
  }
  if (closed_) return;
  const auto signal = settling_.emplace(settling_.end());
  asio::co_spawn(
      executor_, settle(std::move(connection)),
      asio::bind_cancellation_slot(signal->slot(), [this, signal](std::exception_ptr) { settling_.erase(signal); }));
}

Task<> Pool::settle(std::unique_ptr<Connection> connection) {
  connection->set_deadline(Clock::now() + settle_limit);
  try {
    co_await connection->settle();
  } catch (const std::exception&) {
    // The server is frozen, or the connection is lost.
    connection.reset();
  }
  if (connection && connection->is_idle()) {
    put(std::move(connection));
    co_return;
  }
  connection.reset();
  open_another();
}

void Pool::put(std::unique_ptr<Connection> connection) {
  if (closed_) return;
  if (waiting_.empty()) {
    idle_.push_back(std::move(connection));
    return;
  }
  auto& waiter = waiting_.front();
  waiting_.pop_front();
  waiter.granted = std::move(connection);
  waiter.timer.cancel();
}

void Pool::open_another() {
  if (closed_) return;
  const auto signal = opening_.emplace(opening_.end());
  asio::co_spawn(executor_, open_one(), asio::bind_cancellation_slot(signal->slot(), [this, signal](std::exception_ptr) {
                   opening_.erase(signal);
                   if (!was_whole_ && !closed_ && opening_.empty()) {
                     was_whole_ = true;
                     state_.pool_opened();
                   }
                 }));
}

// Until it is there, however long the database is away.
Task<> Pool::open_one() {
  Timer timer(executor_);
  for (;;) {
    try {
      put(co_await Connection::open(executor_, config_, Clock::now() + connect_limit));
      state_.reached();
      co_return;
    } catch (const Unavailable& error) {
      if (!closed_) state_.lost(error.what());
    }
    timer.expires_after(retry);
    co_await timer.async_wait(awaiting);
  }
}

}  // namespace fitmap
