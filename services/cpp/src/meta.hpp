// GET /meta.
#pragma once

#include <cstddef>
#include <string>

namespace fitmap {

// Its JSON. Versions are those that the compiler and the headers state, and that libpq states at run time.
std::string describe_target(std::size_t cpus, std::size_t db_pool_size);

}  // namespace fitmap
