// The service of services/contract, in C++.
#include <cstdlib>
#include <exception>

#include "config.hpp"
#include "log.hpp"
#include "server.hpp"

namespace {

constexpr int exit_config = 78;  // EX_CONFIG of sysexits.h

}  // namespace

int main() {
  try {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there are no other threads yet.
    fitmap::serve(fitmap::load_config([](const char* name) { return std::getenv(name); }));
    return EXIT_SUCCESS;
  } catch (const fitmap::ConfigError& error) {
    fitmap::log(error.what());
    return exit_config;
  } catch (const std::exception& error) {
    fitmap::log(error.what());
    return EXIT_FAILURE;
  }
}
