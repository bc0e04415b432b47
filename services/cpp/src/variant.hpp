#pragma once

namespace fitmap {

// What this build calls itself. A variant has a file of its own in the place of this one.
inline constexpr const char* target_class = "standard";

}  // namespace fitmap
