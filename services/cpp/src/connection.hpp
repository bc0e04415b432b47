// One connection to the database: libpq's non-blocking interface, driven by an io_context.
#pragma once

#include <libpq-fe.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "asio.hpp"
#include "config.hpp"
#include "failure.hpp"
#include "statements.hpp"
#include "wire.hpp"

namespace fitmap {

// A statement that the database refused, for a reason that does not lie in the database.
class StatementError : public std::runtime_error {
 public:
  StatementError(std::string state, const char* message) : std::runtime_error(message), state_(std::move(state)) {}

  const std::string& state() const { return state_; }

 private:
  std::string state_;
};

class Connection {
 public:
  // Throws Unavailable.
  static Task<std::unique_ptr<Connection>> open(Executor executor, const DatabaseConfig& config, Clock::time_point deadline);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // From here on all statements together have until then.
  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }

  // Both throw Unavailable and StatementError. Parameters are copied.
  template <class... P>
  Task<Rows> execute(const Statement& statement, const P&... parameters) {
    return execute_with(statement, std::vector<Parameter>{Parameter(parameters)...});
  }
  Task<> command(const char* text);

  // No statement under way, no transaction open, and not lost: it may be lent again.
  bool is_idle() const { return PQtransactionStatus(connection_.get()) == PQTRANS_IDLE; }
  bool in_transaction() const;
  // Waits for the end of the statement under way, and ends the transaction. Throws Unavailable.
  Task<> settle();
  // What the server says of itself is that it ends the connection.
  bool is_quiet() const;

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  Connection(Executor executor, PGconn* connection, Clock::time_point deadline);

  Task<> finish_opening();
  Task<Rows> execute_with(const Statement& statement, std::vector<Parameter> parameters);
  Task<Rows> receive(int sent, const Statement* preparing = nullptr);
  Task<Rows> read();
  Task<> wait(asio::posix::descriptor_base::wait_type what);
  Unavailable lost() const;

  std::unique_ptr<PGconn, Finish> connection_;
  // libpq's socket, which libpq closes.
  asio::posix::basic_stream_descriptor<Executor> socket_;
  Timer timer_;
  Clock::time_point deadline_;
  std::vector<const Statement*> prepared_;
  // What the message under way prepares.
  const Statement* preparing_ = nullptr;
};

}  // namespace fitmap
