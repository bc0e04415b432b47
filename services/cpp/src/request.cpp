#include "request.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <boost/url/decode_view.hpp>
#include <boost/url/params_encoded_view.hpp>
#include <format>
#include <limits>

#include "failure.hpp"
#include "integer.hpp"

namespace fitmap {
namespace {

std::int64_t integer(std::string_view name, const boost::urls::decode_view& text, std::int64_t least, std::int64_t most) {
  const std::string digits(text.begin(), text.end());
  const auto value = parse_integer(digits, least, most);
  if (!value) throw bad_request(std::format("{} must be an integer from {} to {}", name, least, most));
  return *value;
}

}  // namespace

std::int32_t Parameters::id() const {
  const boost::urls::decode_view text{boost::urls::pct_string_view{id_}};
  return static_cast<std::int32_t>(integer("id", text, 1, std::numeric_limits<std::int32_t>::max()));
}

std::optional<std::int64_t> Parameters::optional(std::string_view name, std::int64_t least, std::int64_t most) const {
  std::optional<std::int64_t> found;
  for (const auto& parameter : url_.encoded_params()) {
    if (*parameter.key != name) continue;
    if (found) throw bad_request(std::format("{} was given twice", name));
    found = integer(name, *parameter.value, least, most);
  }
  return found;
}

std::int64_t Parameters::required(std::string_view name, std::int64_t least, std::int64_t most) const {
  const auto value = optional(name, least, most);
  if (!value) throw bad_request(std::format("{} is required", name));
  return *value;
}

bool is_json(std::string_view content_type) {
  auto media_type = content_type.substr(0, content_type.find(';'));
  while (media_type.ends_with(' ') || media_type.ends_with('\t')) media_type.remove_suffix(1);
  return boost::algorithm::iequals(media_type, "application/json");
}

}  // namespace fitmap
