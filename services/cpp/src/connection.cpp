#include "connection.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/cancel_at.hpp>

#include "log.hpp"

namespace fitmap {
namespace {

using Descriptor = asio::posix::descriptor_base;

PGconn* start(const DatabaseConfig& config) {
  constexpr std::array keywords{"host",       "port",
                                "user",       "password",
                                "dbname",     "application_name",
                                "options",    "sslmode",
                                "gssencmode", static_cast<const char*>(nullptr)};
  const std::array values{config.host.c_str(), config.port.c_str(), config.user.c_str(), config.password.c_str(),
                          config.name.c_str(), "fitmap-cpp", "-c statement_timeout=5000",
                          // Each would be tried first, and cost a round trip or a connection.
                          "disable", "disable", static_cast<const char*>(nullptr)};
  static_assert(keywords.size() == values.size());
  return PQconnectStartParams(keywords.data(), values.data(), 0);
}

// Classes of SQLSTATE: 08 connection, 53 resources (too many connections, say), 57 an operator's intervention, and
// statement_timeout.
bool is_unavailable(std::string_view state) {
  return state.starts_with("08") || state.starts_with("53") || state.starts_with("57");
}

void check(const Rows& rows) {
  const auto status = PQresultStatus(rows.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return;
  const char* state = PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorMessage(rows.get());
  // libpq's own errors have no state.
  if (state == nullptr || is_unavailable(state)) throw Unavailable(message);
  throw StatementError(state, message);
}

}  // namespace

Connection::Connection(Executor executor, PGconn* connection, Clock::time_point deadline)
    : connection_(connection), socket_(executor), timer_(executor), deadline_(deadline) {}

Connection::~Connection() {
  if (socket_.is_open()) socket_.release();
}

Task<std::unique_ptr<Connection>> Connection::open(Executor executor, const DatabaseConfig& config,
                                                   Clock::time_point deadline) {
  std::unique_ptr<Connection> connection(new Connection(executor, start(config), deadline));
  co_await connection->finish_opening();
  co_return connection;
}

Task<> Connection::finish_opening() {
  PGconn* connection = connection_.get();
  if (connection == nullptr) throw std::bad_alloc();
  PQsetNoticeProcessor(connection, [](void*, const char* message) { log(message); }, nullptr);
  auto state = PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) throw lost();
    // Anew each time: with the next address libpq closes its socket and opens another, which may get the same number.
    socket_.assign(PQsocket(connection));
    co_await wait(state == PGRES_POLLING_READING ? Descriptor::wait_read : Descriptor::wait_write);
    socket_.release();
    state = PQconnectPoll(connection);
  }
  PQsetnonblocking(connection, 1);
  socket_.assign(PQsocket(connection));
}

Task<Rows> Connection::execute_with(const Statement& statement, std::vector<Parameter> parameters) {
  const auto count = static_cast<int>(parameters.size());
  if (!std::ranges::contains(prepared_, &statement)) {
    std::vector<Oid> types;
    types.reserve(parameters.size());
    for (const auto& parameter : parameters) types.push_back(parameter.type());
    co_await receive(PQsendPrepare(connection_.get(), statement.name, statement.text, count, types.data()), &statement);
    prepared_.push_back(&statement);
  }
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const auto& parameter : parameters) {
    values.push_back(parameter.bytes().data());
    lengths.push_back(static_cast<int>(parameter.bytes().size()));
  }
  const std::vector<int> formats(parameters.size(), 1);
  co_return co_await receive(
      PQsendQueryPrepared(connection_.get(), statement.name, count, values.data(), lengths.data(), formats.data(), 1));
}

Task<> Connection::command(const char* text) { co_await receive(PQsendQuery(connection_.get(), text)); }

Task<> Connection::settle() {
  const auto rows = co_await read();
  if (preparing_ != nullptr && PQresultStatus(rows.get()) == PGRES_COMMAND_OK) prepared_.push_back(preparing_);
  if (in_transaction()) co_await command("ROLLBACK");
}

Task<Rows> Connection::receive(int sent, const Statement* preparing) {
  if (sent == 0) throw lost();
  preparing_ = preparing;
  auto rows = co_await read();
  check(rows);
  co_return rows;
}

// The last result of what was sent. Nothing, if no statement is under way.
Task<Rows> Connection::read() {
  PGconn* connection = connection_.get();
  // One statement at a time: the server reads all of it before it says anything, so waiting to write alone cannot hang.
  while (const int left = PQflush(connection)) {
    if (left < 0) throw lost();
    co_await wait(Descriptor::wait_write);
  }
  Rows rows;
  for (;;) {
    while (PQisBusy(connection) != 0) {
      co_await wait(Descriptor::wait_read);
      if (PQconsumeInput(connection) == 0) throw lost();
    }
    Rows next(PQgetResult(connection));
    if (!next) break;
    rows = std::move(next);
  }
  co_return rows;
}

Task<> Connection::wait(Descriptor::wait_type what) {
  const auto [error] = co_await socket_.async_wait(what, asio::cancel_at(timer_, deadline_, with_error));
  if (error) throw Unavailable("the database did not answer in time");
}

Unavailable Connection::lost() const { return Unavailable(PQerrorMessage(connection_.get())); }

bool Connection::in_transaction() const {
  const auto status = PQtransactionStatus(connection_.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

bool Connection::is_quiet() const {
  pollfd ready{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) == 0;
}

}  // namespace fitmap
