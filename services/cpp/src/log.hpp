#pragma once

#include <string_view>

namespace fitmap {

// Writes the first line of an event to standard error.
void log(std::string_view event);

}  // namespace fitmap
