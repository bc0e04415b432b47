#include "meta.hpp"

#include <libpq-fe.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/version.hpp>
#include <format>

#include "variant.hpp"

namespace fitmap {

std::string describe_target(std::size_t cpus, std::size_t db_pool_size) {
  const auto boost_version =
      std::format("{}.{}.{}", BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  const auto libpq_version = std::format("{}.{}", PQlibVersion() / 10'000, PQlibVersion() % 10'000);
  // Not a struct: a member cannot be called `class`.
  return boost::json::serialize(boost::json::object{
      {"target", "cpp"},
      {"language", "C++"},
      {"runtime", "g++ " __VERSION__},
      {"framework", "Boost.Beast " + boost_version},
      {"driver", "libpq " + libpq_version},
      {"class", target_class},
      {"cpus", cpus},
      {"db_pool_size", db_pool_size},
  });
}

}  // namespace fitmap
