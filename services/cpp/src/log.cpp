#include "log.hpp"

#include <cstdio>

namespace fitmap {

void log(std::string_view event) {
  const auto line = event.substr(0, event.find('\n'));
  std::fprintf(stderr, "fitmap: %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace fitmap
