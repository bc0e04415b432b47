// One connection of a client: reads its requests one after the other, within the limits, and writes their answers.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/error_code.hpp>

#include "api.hpp"
#include "asio.hpp"
#include "limited_body.hpp"

namespace fitmap {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

class Session : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Session(Socket socket, Api& api);

  Task<> run();
  // Ends a connection that is idle at once, and any other after the answer that is under way.
  void drain();
  // Ends it now.
  void cut_off();
  auto cancellation_slot() { return cancellation_.slot(); }

 private:
  using Parser = boost::beast::http::request_parser<LimitedBody>;

  Task<bool> wait_for_request();
  Task<bool> exchange();
  Task<boost::system::error_code> read_body(Parser& parser);
  Task<bool> write(Answer answer, unsigned version, bool keep_alive);

  boost::beast::basic_stream<asio::ip::tcp, Executor> stream_;
  boost::beast::flat_buffer buffer_;
  Api& api_;
  asio::cancellation_signal cancellation_;
  bool is_new_ = true;
  bool is_idle_ = false;
  bool is_draining_ = false;
};

}  // namespace fitmap
