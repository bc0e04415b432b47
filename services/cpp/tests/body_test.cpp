#include <boost/beast/http/parser.hpp>
#include <boost/test/unit_test.hpp>

#include "limited_body.hpp"

using fitmap::LimitedBody;
namespace http = boost::beast::http;

namespace {

struct Read {
  LimitedBody::value_type body;
  boost::system::error_code error;
};

Read read(std::uint64_t size) {
  http::request_parser<LimitedBody> parser;
  parser.body_limit(boost::none);
  parser.eager(true);
  Read read;
  const std::string head = "POST / HTTP/1.1\r\ncontent-length: " + std::to_string(size) + "\r\n\r\n";
  parser.put(boost::asio::buffer(head), read.error);
  const std::string piece(4096, 'x');
  for (std::uint64_t sent = 0; sent < size && !read.error; sent += piece.size()) {
    parser.put(boost::asio::buffer(piece, std::min<std::uint64_t>(piece.size(), size - sent)), read.error);
  }
  read.body = parser.release().body();
  return read;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(body)

BOOST_AUTO_TEST_CASE(a_mebibyte_is_kept) {
  const auto found = read(LimitedBody::most_kept);
  BOOST_TEST(!found.error);
  BOOST_TEST(!found.body.too_large);
  BOOST_TEST(found.body.bytes == std::string(LimitedBody::most_kept, 'x'));
}

BOOST_AUTO_TEST_CASE(more_is_read_and_dropped) {
  for (const auto size : {LimitedBody::most_kept + 1, LimitedBody::most_read}) {
    const auto found = read(size);
    BOOST_TEST(!found.error);
    BOOST_TEST(found.body.too_large);
    BOOST_TEST(found.body.bytes.size() <= LimitedBody::most_kept);
  }
}

BOOST_AUTO_TEST_CASE(much_more_is_not_even_read) {
  const auto found = read(LimitedBody::most_read + 1);
  BOOST_TEST((found.error == http::error::body_limit));
  BOOST_TEST(found.body.too_large);
}

BOOST_AUTO_TEST_SUITE_END()
