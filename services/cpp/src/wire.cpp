#include "wire.hpp"

#include <boost/endian/conversion.hpp>
#include <chrono>
#include <format>
#include <stdexcept>

namespace fitmap {
namespace {

namespace endian = boost::endian;

// OIDs of pg_type, which are the same in every PostgreSQL.
constexpr Oid int8_type = 20;
constexpr Oid int4_type = 23;
constexpr Oid int4_array_type = 1007;

template <class T>
void append(std::string& bytes, T value) {
  std::array<unsigned char, sizeof value> big;
  endian::endian_store<T, sizeof value, endian::order::big>(big.data(), value);
  bytes.append(reinterpret_cast<const char*>(big.data()), big.size());
}

template <class T>
T load(const unsigned char* bytes) {
  return endian::endian_load<T, sizeof(T), endian::order::big>(bytes);
}

}  // namespace

Parameter::Parameter(std::int32_t value) : type_(int4_type) { append(bytes_, value); }

Parameter::Parameter(std::int64_t value) : type_(int8_type) { append(bytes_, value); }

Parameter::Parameter(std::span<const std::int32_t> values) : type_(int4_array_type) {
  constexpr std::int32_t dimensions = 1;
  constexpr std::int32_t has_nulls = 0;
  constexpr std::int32_t lower_bound = 1;
  const auto size = static_cast<std::int32_t>(values.size());
  for (const auto word : {dimensions, has_nulls, static_cast<std::int32_t>(int4_type), size, lower_bound})
    append(bytes_, word);
  for (const auto value : values) {
    append(bytes_, static_cast<std::int32_t>(sizeof value));
    append(bytes_, value);
  }
}

const unsigned char* Rows::value(int row, int column, std::size_t size) const {
  // NULL and columns that are not there have the length 0.
  if (PQgetlength(result_.get(), row, column) != static_cast<int>(size)) throw std::logic_error("a column has another type");
  return reinterpret_cast<const unsigned char*>(PQgetvalue(result_.get(), row, column));
}

std::int32_t Rows::int32(int row, int column) const { return load<std::int32_t>(value(row, column, 4)); }

std::int64_t Rows::int64(int row, int column) const { return load<std::int64_t>(value(row, column, 8)); }

std::string_view Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::string Rows::timestamp(int row, int column) const {
  using namespace std::chrono;
  constexpr sys_days epoch{year{2000} / January / 1};
  const auto instant = floor<seconds>(epoch + microseconds(int64(row, column)));
  const auto day = floor<days>(instant);
  const year_month_day date{day};
  const hh_mm_ss time{instant - day};
  // Not {:%FT%TZ}, which goes through the locale and costs several times as much.
  return std::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

}  // namespace fitmap
