// The connections of one thread. What is lost is opened again at once, in the background.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "asio.hpp"
#include "connection.hpp"
#include "database_state.hpp"

namespace fitmap {

class Pool;

// A connection that is lent. It goes back to the pool. If a statement is still under way on it, that has to end first: to
// close the connection would not end it at the server, and the pool would open another one beside it.
class Lease {
 public:
  Lease(Pool& pool, std::unique_ptr<Connection> connection) : pool_(&pool), connection_(std::move(connection)) {}
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  Pool* pool_;
  std::unique_ptr<Connection> connection_;
};

class Pool {
 public:
  // All outlive the pool.
  Pool(Executor executor, const DatabaseConfig& config, std::size_t size, DatabaseState& state);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Begins to open all connections.
  void open();
  // Waits 2 s at most for a connection. Throws Unavailable.
  Task<Lease> acquire();
  // Closes what is idle, and what is given back later.
  void close();

 private:
  friend class Lease;

  // A request that waits for a connection. It leaves the line by itself, however its wait ends.
  struct Waiter : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Waiter(Pool& pool) : pool(pool), timer(pool.executor_) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();

    Pool& pool;
    Timer timer;
    std::unique_ptr<Connection> granted;
  };

  Task<> open_one();
  void open_another();
  Task<> settle(std::unique_ptr<Connection> connection);
  void give_back(std::unique_ptr<Connection> connection);
  void put(std::unique_ptr<Connection> connection);

  Executor executor_;
  const DatabaseConfig& config_;
  std::size_t size_;
  DatabaseState& state_;
  // The last one was used last: what it needs is still in the caches, at both ends.
  std::vector<std::unique_ptr<Connection>> idle_;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiting_;
  // Of the connections that are being opened, and of those whose statement nobody waits for any more.
  std::list<asio::cancellation_signal> opening_;
  std::list<asio::cancellation_signal> settling_;
  bool was_whole_ = false;
  bool closed_ = false;
};

}  // namespace fitmap
