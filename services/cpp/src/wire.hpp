// PostgreSQL's binary formats: what statements take, and rows.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fitmap {

// A parameter and its type, so that a statement is prepared for just the format that is sent.
class Parameter {
 public:
  Parameter(std::int32_t value);
  Parameter(std::int64_t value);
  Parameter(std::span<const std::int32_t> values);

  Oid type() const { return type_; }
  std::string_view bytes() const { return bytes_; }

 private:
  Oid type_;
  std::string bytes_;
};

// The answer to a statement. Columns are counted from 0; text belongs to the rows.
class Rows {
 public:
  Rows() = default;
  explicit Rows(PGresult* result) : result_(result) {}

  explicit operator bool() const { return result_ != nullptr; }
  const PGresult* get() const { return result_.get(); }
  int size() const { return PQntuples(result_.get()); }

  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  std::int32_t int32(int row, int column) const;
  std::int64_t int64(int row, int column) const;
  std::string_view text(int row, int column) const;
  // RFC 3339, in UTC and whole seconds.
  std::string timestamp(int row, int column) const;

 private:
  const unsigned char* value(int row, int column, std::size_t size) const;

  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

}  // namespace fitmap
