// The configuration: environment variables, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace fitmap {

struct DatabaseConfig {
  std::string user;
  std::string password;
  std::string host;
  std::string port;
  std::string name;
};

struct Config {
  std::string host;
  std::uint16_t port;
  DatabaseConfig database;
  std::size_t pool_size;
  std::size_t cpus;
};

// Names the variable and what it should be, never its value: DATABASE_URL holds a password.
class ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `lookup` is std::getenv. A variable that is set but empty is malformed, not missing. Throws ConfigError.
Config load_config(const std::function<const char*(const char*)>& lookup);

}  // namespace fitmap
