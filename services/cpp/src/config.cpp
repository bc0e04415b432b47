#include "config.hpp"

#include <sched.h>

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <format>
#include <optional>

#include "integer.hpp"

namespace fitmap {
namespace {

using Lookup = std::function<const char*(const char*)>;

std::optional<std::int64_t> integer(const Lookup& lookup, const char* name, std::int64_t most) {
  const char* text = lookup(name);
  if (text == nullptr) return std::nullopt;
  const auto value = parse_integer(text, 1, most);
  if (!value) throw ConfigError(std::format("{} must be an integer from 1 to {}", name, most));
  return value;
}

// The affinity mask. std::thread::hardware_concurrency() may count the CPUs of the machine.
std::int64_t usable_cpus() {
  cpu_set_t mask;
  return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
}

std::string host_of(const Lookup& lookup) {
  const char* text = lookup("HOST");
  if (text == nullptr) return "127.0.0.1";
  boost::system::error_code error;
  boost::asio::ip::make_address(text, error);
  if (error) throw ConfigError("HOST must be an IP address");
  return text;
}

// Stricter than libpq, which takes other notations, lets parts be absent, and ports be of any size.
DatabaseConfig database_of(const Lookup& lookup) {
  const ConfigError malformed("DATABASE_URL must have the form postgresql://user:password@host:port/name");
  const char* text = lookup("DATABASE_URL");
  if (text == nullptr) throw malformed;
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->scheme() != "postgresql" || url->has_query() || url->has_fragment()) throw malformed;
  const auto segments = url->segments();
  if (segments.size() != 1 || !parse_integer(url->port(), 1, 65535)) throw malformed;
  DatabaseConfig config{url->user(), url->password(), url->host_address(), std::string(url->port()), segments.front()};
  for (const auto& part : {config.user, config.password, config.host, config.name}) {
    // libpq takes strings that end with NUL.
    if (part.empty() || part.contains('\0')) throw malformed;
  }
  return config;
}

}  // namespace

Config load_config(const Lookup& lookup) {
  auto host = host_of(lookup);
  const auto port = integer(lookup, "PORT", 65535);
  if (!port) throw ConfigError("PORT is missing");
  const auto pool_size = integer(lookup, "DB_POOL_SIZE", 1000).value_or(16);
  const auto cpus = integer(lookup, "CPUS", 1024).value_or(usable_cpus());
  return {std::move(host), static_cast<std::uint16_t>(*port), database_of(lookup), static_cast<std::size_t>(pool_size),
          static_cast<std::size_t>(cpus)};
}

}  // namespace fitmap
