#include "shop.hpp"

#include <boost/test/unit_test.hpp>

#include "collatz.hpp"
#include "failure.hpp"
#include "run.hpp"
#include "wire.hpp"

using namespace std::string_view_literals;

namespace {

// One row of binary values; an empty one is null.
fitmap::Rows row(std::vector<std::string> values) {
  PGresult* result = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
  char name[] = "x";
  std::vector<PGresAttDesc> columns(
      values.size(), {.name = name, .tableid = 0, .columnid = 0, .format = 1, .typid = 0, .typlen = 0, .atttypmod = 0});
  PQsetResultAttrs(result, static_cast<int>(columns.size()), columns.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    PQsetvalue(result, 0, static_cast<int>(i), values[i].data(),
               values[i].empty() ? -1 : static_cast<int>(values[i].size()));
  }
  return fitmap::Rows(result);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shop)

BOOST_AUTO_TEST_CASE(an_order_is_put_in_product_order) {
  const auto order =
      fitmap::read_order(R"({"customer_id":7,"lines":[{"product_id":9,"quantity":100},{"quantity":2,"product_id":3}]})");
  BOOST_TEST(order.customer_id == 7);
  BOOST_TEST(order.product_ids == (std::vector{3, 9}), boost::test_tools::per_element());
  BOOST_TEST(order.quantities == (std::vector{2, 100}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_wrong_order_is_refused) {
  const std::string line = R"({"product_id":1,"quantity":1})";
  std::string many;
  for (int product = 1; product <= 21; ++product) {
    many += (product > 1 ? "," : "") + std::string(R"({"quantity":1,"product_id":)") + std::to_string(product) + "}";
  }
  for (const auto& body :
       {R"({"lines":[)" + line + "]}", R"({"customer_id":0,"lines":[)" + line + "]}",
        R"({"customer_id":2147483648,"lines":[)" + line + "]}", R"({"customer_id":1.0,"lines":[)" + line + "]}",
        std::string(R"({"customer_id":1})"), std::string(R"({"customer_id":1,"lines":[]})"),
        R"({"customer_id":1,"lines":[)" + line + "," + line + "]}", R"({"customer_id":1,"lines":[)" + many + "]}",
        std::string(R"({"customer_id":1,"lines":[{"product_id":0,"quantity":1}]})"),
        std::string(R"({"customer_id":1,"lines":[{"product_id":1,"quantity":101}]})"),
        std::string(R"({"customer_id":1,"lines":[{"product_id":1}]})"),
        std::string(R"({"customer_id":1,"lines":[null]})")}) {
    BOOST_CHECK_THROW(fitmap::read_order(body), fitmap::Failure);
  }
}

BOOST_AUTO_TEST_CASE(parameters_are_big_endian) {
  BOOST_TEST(fitmap::Parameter(std::int32_t{258}).bytes() == "\0\0\1\2"sv);
  BOOST_TEST(fitmap::Parameter(std::int64_t{-2}).bytes() == "\xff\xff\xff\xff\xff\xff\xff\xfe"sv);
  const std::vector<std::int32_t> values{5, -1};
  BOOST_TEST(fitmap::Parameter(values).bytes() ==
             "\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\2\0\0\0\1"
             "\0\0\0\4\0\0\0\5\0\0\0\4\xff\xff\xff\xff"sv);
}

BOOST_AUTO_TEST_CASE(rows_are_big_endian) {
  const auto rows = row({std::string("\0\0\1\2"sv), "\xff\xff\xff\xff\xff\xff\xff\xfe", "text", ""});
  BOOST_TEST(rows.size() == 1);
  BOOST_TEST(rows.int32(0, 0) == 258);
  BOOST_TEST(rows.int64(0, 1) == -2);
  BOOST_TEST(rows.text(0, 2) == "text");
  BOOST_TEST(rows.is_null(0, 3));
  BOOST_CHECK_THROW(rows.int64(0, 0), std::logic_error);
  BOOST_CHECK_THROW(rows.int32(0, 3), std::logic_error);
}

BOOST_AUTO_TEST_CASE(timestamps_are_in_whole_seconds) {
  // Microseconds since 2000.
  const auto at = [](std::int64_t instant) {
    return row({std::string(fitmap::Parameter(instant).bytes())}).timestamp(0, 0);
  };
  BOOST_TEST(at(0) == "2000-01-01T00:00:00Z");
  BOOST_TEST(at(820'540'800'999'999) == "2026-01-01T00:00:00Z");
  BOOST_TEST(at(-1) == "1999-12-31T23:59:59Z");
}

BOOST_AUTO_TEST_CASE(walks_are_counted) {
  boost::asio::io_context context;
  using fitmap::Collatz;
  for (const auto& want : {Collatz{1, 1, 1, 0, 0}, Collatz{12, 2, 12, 9, 18}, Collatz{27, 1, 27, 111, 111},
                           Collatz{837799, 1, 837799, 524, 524}, Collatz{113383, 1, 113383, 247, 247}}) {
    BOOST_TEST((run(context, fitmap::walk_collatz(want.from, want.count)) == want));
  }
  const auto many = run(context, fitmap::walk_collatz(1, 2'500));
  BOOST_TEST(many.longest_start == 2'463);
  BOOST_TEST(many.longest_steps == 208);
}

BOOST_AUTO_TEST_SUITE_END()
