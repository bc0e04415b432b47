// Reading JSON bodies: what is not just what a route takes is refused. All functions throw Failure (400).
#pragma once

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "failure.hpp"

namespace fitmap::json {

using Element = simdjson::dom::element;

// The whole text is checked, also what nobody reads: simdjson's On-Demand interface would skip it. The element, and all
// text in it, lasts until the next call on this thread.
Element parse(const std::string& text);

simdjson::dom::array array(Element element);
std::string_view text(Element element);
// No fraction, no exponent, no quotes.
std::int64_t integer(Element element, std::int64_t least, std::int64_t most);

// The members of an object that have these keys. Each must be there once; others are ignored.
template <std::size_t N>
std::array<Element, N> members(Element element, const std::array<std::string_view, N>& keys) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) throw bad_request("an object is expected");
  std::array<std::optional<Element>, N> found;
  for (const auto [key, value] : object) {
    for (std::size_t i = 0; i < N; ++i) {
      if (key != keys[i]) continue;
      if (found[i]) throw bad_request(std::string(key) + " was given twice");
      found[i] = value;
    }
  }
  std::array<Element, N> values;
  for (std::size_t i = 0; i < N; ++i) {
    const auto& value = found[i];
    if (!value) throw bad_request(std::string(keys[i]) + " is required");
    values[i] = *value;
  }
  return values;
}

}  // namespace fitmap::json
