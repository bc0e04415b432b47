#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fitmap {

// One to ten ASCII digits. std::from_chars would take a minus sign, and any number of zeros.
constexpr std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t least, std::int64_t most) {
  if (text.empty() || text.size() > 10) return std::nullopt;
  std::int64_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  if (value < least || value > most) return std::nullopt;
  return value;
}

}  // namespace fitmap
