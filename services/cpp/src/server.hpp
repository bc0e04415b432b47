#pragma once

#include "config.hpp"

namespace fitmap {

// Serves until SIGTERM or SIGINT. Throws std::system_error if the port cannot be opened, or a thread not be started.
void serve(const Config& config);

}  // namespace fitmap
