// Every way in which a request can fail. Handlers throw these, and Api turns them into answers.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fitmap {

// An answer that is not a success.
class Failure : public std::exception {
 public:
  Failure(unsigned status, std::string_view error, std::string detail, std::string_view allow = {})
      : status(status), error(error), detail(std::move(detail)), allow(allow) {}

  const char* what() const noexcept override { return detail.c_str(); }

  unsigned status;
  std::string_view error;
  std::string detail;
  std::string_view allow;
};

inline Failure bad_request(std::string detail) { return {400, "bad_request", std::move(detail)}; }
inline Failure not_found(std::string detail) { return {404, "not_found", std::move(detail)}; }

// No connection in time, a connection that failed, or a statement that timed out.
class Unavailable : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace fitmap
