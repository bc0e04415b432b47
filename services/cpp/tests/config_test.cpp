#include "config.hpp"

#include <boost/test/unit_test.hpp>
#include <map>

using fitmap::ConfigError;

namespace {

constexpr auto url = "postgresql://fitmap:p%40ss%2Fword@127.0.0.1:5433/shop";

fitmap::Config load(const std::map<std::string, std::string>& variables) {
  return fitmap::load_config([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(defaults_fill_what_is_optional) {
  const auto config = load({{"PORT", "8080"}, {"DATABASE_URL", url}});
  BOOST_TEST(config.host == "127.0.0.1");
  BOOST_TEST(config.port == 8080);
  BOOST_TEST(config.pool_size == 16u);
  BOOST_TEST(config.cpus >= 1u);
}

BOOST_AUTO_TEST_CASE(limits_are_allowed) {
  const auto config =
      load({{"HOST", "::1"}, {"PORT", "65535"}, {"CPUS", "1024"}, {"DB_POOL_SIZE", "1000"}, {"DATABASE_URL", url}});
  BOOST_TEST(config.host == "::1");
  BOOST_TEST(config.cpus == 1024u);
  BOOST_TEST(config.pool_size == 1000u);
}

BOOST_AUTO_TEST_CASE(the_url_is_taken_apart_and_decoded) {
  const auto database = load({{"PORT", "1"}, {"DATABASE_URL", url}}).database;
  BOOST_TEST(database.user == "fitmap");
  BOOST_TEST(database.password == "p@ss/word");
  BOOST_TEST(database.host == "127.0.0.1");
  BOOST_TEST(database.port == "5433");
  BOOST_TEST(database.name == "shop");
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_named_and_its_value_is_not) {
  const std::pair<const char*, const char*> refused[] = {
      {"HOST", ""},
      {"HOST", "somewhere"},
      {"PORT", ""},
      {"PORT", "0"},
      {"PORT", "65536"},
      {"PORT", "+80"},
      {"CPUS", "1.5"},
      {"CPUS", "1025"},
      {"DB_POOL_SIZE", "0"},
      {"DB_POOL_SIZE", "1001"},
      {"DATABASE_URL", ""},
      {"DATABASE_URL", "secret"},
      {"DATABASE_URL", "mysql://u:secret@h:1/n"},
      {"DATABASE_URL", "postgresql://h:1/n"},
      {"DATABASE_URL", "postgresql://u@h:1/n"},
      {"DATABASE_URL", "postgresql://u:@h:1/n"},
      {"DATABASE_URL", "postgresql://:secret@h:1/n"},
      {"DATABASE_URL", "postgresql://u:secret@:1/n"},
      {"DATABASE_URL", "postgresql://u:secret@h/n"},
      {"DATABASE_URL", "postgresql://u:secret@h:99999/n"},
      {"DATABASE_URL", "postgresql://u:secret@h:1"},
      {"DATABASE_URL", "postgresql://u:secret@h:1/"},
      {"DATABASE_URL", "postgresql://u:secret@h:1/n/x"},
      {"DATABASE_URL", "postgresql://u:secret@h:1/n?sslmode=disable"},
      {"DATABASE_URL", "postgresql://u:secret%00@h:1/n"},
      {"DATABASE_URL", "postgresql://u:secret%zz@h:1/n"},
  };
  for (const auto& [name, value] : refused) {
    std::map<std::string, std::string> variables{{"PORT", "8080"}, {"DATABASE_URL", url}};
    variables[name] = value;
    BOOST_CHECK_EXCEPTION(load(variables), ConfigError, [&](const ConfigError& error) {
      const std::string_view line = error.what();
      return line.starts_with(name) && !line.contains("secret") && !line.contains('\n');
    });
  }
}

BOOST_AUTO_TEST_CASE(what_is_needed_may_not_be_missing) {
  BOOST_CHECK_THROW(load({{"DATABASE_URL", url}}), ConfigError);
  BOOST_CHECK_THROW(load({{"PORT", "8080"}}), ConfigError);
}

BOOST_AUTO_TEST_SUITE_END()
