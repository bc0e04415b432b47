#include "json.hpp"

#include <format>

namespace fitmap::json {

Element parse(const std::string& text) {
  thread_local simdjson::dom::parser parser;
  Element element;
  if (parser.parse(text).get(element) != simdjson::SUCCESS) throw bad_request("the body is not JSON");
  return element;
}

simdjson::dom::array array(Element element) {
  simdjson::dom::array values;
  if (element.get(values) != simdjson::SUCCESS) throw bad_request("an array is expected");
  return values;
}

std::string_view text(Element element) {
  std::string_view value;
  if (element.get(value) != simdjson::SUCCESS) throw bad_request("a string is expected");
  return value;
}

std::int64_t integer(Element element, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  if (!element.is<std::int64_t>() || element.get(value) != simdjson::SUCCESS || value < least || value > most) {
    throw bad_request(std::format("an integer from {} to {} is expected", least, most));
  }
  return value;
}

}  // namespace fitmap::json
