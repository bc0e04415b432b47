#pragma once

#include <string_view>

namespace fitmap {

// Now, as the header Date has it (RFC 9110). It lasts until the next call on this thread.
std::string_view http_date();

}  // namespace fitmap
