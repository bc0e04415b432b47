#include "http_date.hpp"

#include <array>
#include <ctime>

namespace fitmap {

std::string_view http_date() {
  thread_local std::time_t made = 0;
  thread_local std::array<char, sizeof "Thu, 01 Jan 1970 00:00:00 GMT"> text;
  const auto now = std::time(nullptr);
  if (now != made) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    // English names: nothing here sets another locale than C's.
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made = now;
  }
  return {text.data(), text.size() - 1};
}

}  // namespace fitmap
