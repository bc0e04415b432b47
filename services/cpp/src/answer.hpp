#pragma once

#include <boost/json/serialize.hpp>
#include <string>
#include <string_view>

namespace fitmap {

struct Answer {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string_view allow = {};
  std::string location = {};
};

// `value` is of a struct that Boost.Describe knows. Keys come in the order of its members.
template <class T>
Answer json_answer(const T& value, unsigned status = 200) {
  return {.status = status, .body = boost::json::serialize(value)};
}

}  // namespace fitmap
