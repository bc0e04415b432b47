#include "summarize.hpp"

#include <boost/test/unit_test.hpp>
#include <format>

#include "answer.hpp"
#include "failure.hpp"

using fitmap::Failure;

namespace {

std::string answer(const std::string& body) { return fitmap::json_answer(fitmap::summarize(body)).body; }

std::string with_line(std::string_view line) {
  return std::format(R"({{"orders":[{{"customer":"c","region":"r","lines":[{}]}}]}})", line);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(summarize)

BOOST_AUTO_TEST_CASE(orders_are_summed_by_region) {
  BOOST_TEST(answer(R"({"orders":[]})") == R"({"orders":0,"regions":[]})");
  // No lines, no revenue: the tie goes to the smaller name.
  BOOST_TEST(answer(R"({"orders":[{"customer":"b","region":"r","lines":[]},{"customer":"a","region":"r","lines":[]}]})") ==
             R"({"orders":2,"regions":[{"region":"r","orders":2,"quantity":0,"revenue_cents":0,"top_customer":"a"}]})");
  // Equal revenue orders by code point (U+FF5E before U+1F600, other than in UTF-16); the top is the region's own.
  BOOST_TEST(answer(R"({"x":1,"orders":[
      {"customer":"a","region":"\ud83d\ude00","lines":[{"sku":"","quantity":2,"price_cents":5,"x":null}]},
      {"customer":"b","region":"\uff5e","lines":[{"sku":"s","quantity":1,"price_cents":0},
                                                 {"sku":"s","quantity":1,"price_cents":10}]},
      {"customer":"a","region":"<","lines":[{"sku":"s","quantity":1000000,"price_cents":100000000}]}]})") ==
             R"({"orders":3,"regions":[)"
             R"({"region":"<","orders":1,"quantity":1000000,"revenue_cents":100000000000000,"top_customer":"a"},)"
             "{\"region\":\"\uff5e\",\"orders\":1,\"quantity\":2,\"revenue_cents\":10,\"top_customer\":\"b\"},"
             "{\"region\":\"\U0001f600\",\"orders\":1,\"quantity\":2,\"revenue_cents\":10,\"top_customer\":\"a\"}]}");
}

BOOST_AUTO_TEST_CASE(what_is_not_just_right_is_refused) {
  for (const std::string body :
       {"", " ", "null", "[]", "{", "{}", R"({"orders":null})", R"({"orders":{}})", R"({"orders":[null]})",
        R"({"Orders":[]})", R"({"orders":[]} x)", R"({"orders":[],})", R"({"orders":[],"x":"\x41"})",
        R"({"orders":[],"orders":[]})", R"({"orders":[{"region":"r","lines":[]}]})",
        R"({"orders":[{"customer":null,"region":"r","lines":[]}]})",
        R"({"orders":[{"customer":"c","region":1,"lines":[]}]})", R"({"orders":[{"customer":"c","region":"r"}]})",
        "{\"orders\":[{\"customer\":\"\xff\",\"region\":\"r\",\"lines\":[]}]}"}) {
    BOOST_CHECK_THROW(answer(body), Failure);
  }
  for (const auto* number :
       {"0", "-1", "1.0", "1e0", "01", "\"1\"", "true", "null", "1000001", "18446744073709551617", "[]"}) {
    BOOST_CHECK_THROW(answer(with_line(std::format(R"({{"sku":"s","quantity":{},"price_cents":1}})", number))), Failure);
  }
  for (const auto* price : {"-1", "100000001", "null"}) {
    BOOST_CHECK_THROW(answer(with_line(std::format(R"({{"sku":"s","quantity":1,"price_cents":{}}})", price))), Failure);
  }
  for (const auto* line : {R"({"quantity":1,"price_cents":1})", R"({"sku":"s","price_cents":1})",
                           R"({"sku":"s","quantity":1})", R"({"sku":1,"quantity":1,"price_cents":1})", "null", "[]"}) {
    BOOST_CHECK_THROW(answer(with_line(line)), Failure);
  }
}

BOOST_AUTO_TEST_CASE(ten_thousand_orders_are_the_most) {
  const std::string order = R"({"customer":"c","region":"r","lines":[]})";
  std::string body = R"({"orders":[)" + order;
  for (int i = 1; i < 10'000; ++i) body += "," + order;
  BOOST_CHECK_NO_THROW(answer(body + "]}"));
  BOOST_CHECK_THROW(answer(body + "," + order + "]}"), Failure);
}

BOOST_AUTO_TEST_SUITE_END()
