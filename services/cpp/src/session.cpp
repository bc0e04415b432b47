#include "session.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "failure.hpp"
#include "http_date.hpp"

namespace fitmap {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using namespace std::chrono_literals;

// Beast's streams close the connection when such a limit passes, and set a timer only where an operation has to wait.
constexpr auto head_limit = 10s;
constexpr auto body_limit = 10s;  // from the arrival of the head
constexpr auto write_limit = 30s;

// The buffer holds a head or trailers, and the pieces of a body.
constexpr std::size_t most_buffered = 65'536;
constexpr std::size_t first_piece = 4096;

// Beast takes any other transfer coding for none.
bool has_known_coding(const http::request<LimitedBody>& request) {
  const auto coding = request.find(http::field::transfer_encoding);
  return coding == request.end() || iequals(coding->value(), "chunked");
}

bool is_malformed(boost::system::error_code error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return false;
  return error.category() == http::make_error_code(http::error::bad_version).category();
}

}  // namespace

Session::Session(Socket socket, Api& api) : stream_(std::move(socket)), buffer_(most_buffered), api_(api) {
  boost::system::error_code error;  // of a connection that is gone already
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), error);
}

Task<> Session::run() {
  // Not both in one condition: compiled by g++ 14.2 it went on to exchange() after the end of the connection.
  for (;;) {
    if (!co_await wait_for_request()) break;
    if (!co_await exchange()) break;
  }
  boost::system::error_code error;  // as above
  stream_.socket().shutdown(Socket::shutdown_send, error);
}

void Session::drain() {
  is_draining_ = true;
  if (is_idle_) stream_.close();
}

void Session::cut_off() {
  cancellation_.emit(asio::cancellation_type::terminal);
  stream_.close();
}

// There is no deadline between two requests. On a new connection the one of its first head runs at once.
Task<bool> Session::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  if (is_new_) {
    stream_.expires_after(head_limit);
  } else {
    stream_.expires_never();
  }
  is_new_ = false;
  is_idle_ = true;
  const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(first_piece), with_error);
  is_idle_ = false;
  buffer_.commit(size);
  co_return !error;
}

// One request and its answer. False at the end of the connection.
Task<bool> Session::exchange() {
  Parser parser;
  parser.header_limit(most_buffered);
  parser.body_limit(boost::none);  // LimitedBody has its own
  stream_.expires_after(head_limit);
  auto [error, size] = co_await http::async_read_header(stream_, buffer_, parser, with_error);
  const auto& request = parser.get();
  if (!error && !has_known_coding(request)) error = http::error::bad_transfer_encoding;
  if (!error && !parser.is_done()) error = co_await read_body(parser);
  const bool is_too_long = error == http::error::body_limit;
  if (error && !is_too_long) {
    // Otherwise the client has left, or was too slow.
    if (is_malformed(error)) {
      Answer refusal{.status = 400, .body = "the request is not HTTP", .content_type = "text/plain"};
      co_await write(std::move(refusal), 11, false);
    }
    co_return false;
  }

  const Request whole{
      .method = request.method_string(),
      .target = request.target(),
      .content_type = request[http::field::content_type],
      .body = request.body().bytes,
      .body_too_large = request.body().too_large,
  };
  auto answer = co_await api_.answer(whole);
  // An answer to HEAD would have to come without its body. Nothing here takes HEAD.
  const bool keep_alive = parser.keep_alive() && !is_too_long && !is_draining_ && request.method() != http::verb::head;
  // Not with && in one line: see run(), and the formatter takes it for a declaration.
  if (!co_await write(std::move(answer), request.version(), keep_alive)) co_return false;
  co_return keep_alive;
}

Task<boost::system::error_code> Session::read_body(Parser& parser) {
  stream_.expires_after(body_limit);
  if (iequals(parser.get()[http::field::expect], "100-continue")) {
    constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(go_on), with_error);
  }
  // Room for what has come by now, or is about to, in one piece.
  buffer_.reserve(std::min<std::uint64_t>(parser.content_length().value_or(first_piece), most_buffered));
  const auto [error, size] = co_await http::async_read(stream_, buffer_, parser, with_error);
  co_return error;
}

Task<bool> Session::write(Answer answer, unsigned version, bool keep_alive) {
  http::response<http::string_body> response(static_cast<http::status>(answer.status), version);
  response.set(http::field::date, http_date());
  response.set(http::field::content_type, answer.content_type);
  if (!answer.allow.empty()) response.set(http::field::allow, answer.allow);
  if (!answer.location.empty()) response.set(http::field::location, answer.location);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  response.keep_alive(keep_alive);
  stream_.expires_after(write_limit);
  const auto [error, size] = co_await http::async_write(stream_, response, with_error);
  co_return !error;
}

}  // namespace fitmap
