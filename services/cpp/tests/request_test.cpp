#include "request.hpp"

#include <boost/test/unit_test.hpp>
#include <boost/url/parse.hpp>

#include "api.hpp"
#include "failure.hpp"
#include "http_date.hpp"
#include "integer.hpp"

using fitmap::Failure;

namespace {

std::optional<std::int64_t> query(std::string_view text) {
  const auto target = "/route?" + std::string(text);
  return fitmap::Parameters(*boost::urls::parse_origin_form(target), {}).optional("ms", 0, 10);
}

std::int32_t id(std::string_view text) { return fitmap::Parameters(*boost::urls::parse_origin_form("/"), text).id(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(request)

BOOST_AUTO_TEST_CASE(integers_are_one_to_ten_digits) {
  BOOST_TEST(fitmap::parse_integer("0", 0, 9).value() == 0);
  BOOST_TEST(fitmap::parse_integer("0000000042", 0, 99).value() == 42);
  BOOST_TEST(fitmap::parse_integer("9999999999", 0, 9'999'999'999).value() == 9'999'999'999);
  for (const auto* text : {"", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1", "1_0", "00000000001", "\u0663"}) {
    BOOST_TEST(!fitmap::parse_integer(text, 0, 9'999'999'999), text);
  }
}

BOOST_AUTO_TEST_CASE(parameters_are_decoded_and_held_to_their_range) {
  for (const auto* text : {"ms=5", "x=1&ms=5&y", "%6ds=%35", "&&ms=005&", "x=a;b&ms=5"})
    BOOST_TEST(query(text).value() == 5, text);
  for (const auto* text : {"", "MS=5", "x=5", "ms%3D5"}) BOOST_TEST(!query(text), text);
  for (const auto* text : {"ms", "ms=", "ms=11", "ms=+5", "ms=5;", "ms=5%20", "ms=5=5", "ms=5&ms=5", "ms=5&%6ds=5"}) {
    BOOST_CHECK_THROW(query(text), Failure);
  }
}

BOOST_AUTO_TEST_CASE(an_id_is_a_positive_integer_of_32_bits) {
  BOOST_TEST(id("2147483647") == 2147483647);
  BOOST_TEST(id("%34%32") == 42);
  for (const auto* text : {"0", "2147483648", "4294967297", "abc", "1%2F2", "%00", "-1"})
    BOOST_CHECK_THROW(id(text), Failure);
}

BOOST_AUTO_TEST_CASE(a_path_matches_word_for_word) {
  std::string_view found;
  BOOST_TEST(fitmap::matches("/ping", "/ping", found));
  BOOST_TEST(fitmap::matches("/products/{id}", "/products/7", found));
  BOOST_TEST(found == "7");
  BOOST_TEST(fitmap::matches("/products/{id}/slow", "/products/%37/slow", found));
  BOOST_TEST(found == "%37");
  for (const auto* path : {"/ping/", "/PING", "/pin", "//ping", "/%70ing"})
    BOOST_TEST(!fitmap::matches("/ping", path, found), path);
  for (const auto* path : {"/products", "/products/", "/products/7/", "/products/7/slow", "/products//"}) {
    BOOST_TEST(!fitmap::matches("/products/{id}", path, found), path);
  }
  for (const auto* path : {"/products//slow", "/products/slow", "/products/7/8/slow", "/products/7/slow/"}) {
    BOOST_TEST(!fitmap::matches("/products/{id}/slow", path, found), path);
  }
}

BOOST_AUTO_TEST_CASE(the_content_type_is_json_whatever_its_case_and_parameters) {
  for (const auto* text : {"application/json", "Application/JSON ; charset=utf-8", "application/json;x"}) {
    BOOST_TEST(fitmap::is_json(text), text);
  }
  for (const auto* text : {"", "text/plain", "application/jsonp", "application/json2;", "json", ";application/json"}) {
    BOOST_TEST(!fitmap::is_json(text), text);
  }
}

BOOST_AUTO_TEST_CASE(a_date_is_as_RFC_9110_has_it) {
  const auto date = fitmap::http_date();
  BOOST_TEST(date.size() == 29u);
  BOOST_TEST(date.substr(3, 2) == ", ");
  BOOST_TEST(date.ends_with(" GMT"));
}

BOOST_AUTO_TEST_SUITE_END()
