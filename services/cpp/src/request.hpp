// What a request brings, checked: path and query parameters.
#pragma once

#include <boost/url/url_view.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fitmap {

// A whole request, as the connection has read it. The views are of the connection's.
struct Request {
  std::string_view method;
  std::string_view target;
  std::string_view content_type;
  const std::string& body;
  bool body_too_large;
};

// The target of a request that has a route. All throw Failure (400).
class Parameters {
 public:
  // `id`: the segment of the path that stands for one, percent-encoded.
  Parameters(boost::urls::url_view url, std::string_view id) : url_(url), id_(id) {}

  std::int32_t id() const;
  std::int64_t required(std::string_view name, std::int64_t least, std::int64_t most) const;
  std::optional<std::int64_t> optional(std::string_view name, std::int64_t least, std::int64_t most) const;

 private:
  boost::urls::url_view url_;
  std::string_view id_;
};

bool is_json(std::string_view content_type);

}  // namespace fitmap
