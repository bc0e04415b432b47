// A body for Beast's parser that is kept up to a limit. What goes beyond is read on and dropped: an answer that is sent
// while the client still writes could end in a reset connection, and the client might never see it.
#pragma once

#include <algorithm>
#include <boost/beast/core/buffer_traits.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <string>

namespace fitmap {

struct LimitedBody {
  static constexpr std::uint64_t most_kept = 1 << 20;
  static constexpr std::uint64_t most_read = 8 * most_kept;
  // simdjson reads so far beyond the end, and would copy a string without the room.
  static constexpr std::size_t padding = 64;

  struct value_type {
    std::string bytes;
    bool too_large = false;
  };

  class reader {
   public:
    template <bool isRequest, class Fields>
    reader(boost::beast::http::header<isRequest, Fields>& /*header*/, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& length, boost::beast::error_code& error) {
      body_.bytes.reserve(static_cast<std::size_t>(std::min(length.value_or(0), most_kept)) + padding);
      error = {};
    }

    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      const auto size = boost::beast::buffer_bytes(buffers);
      read_ += size;
      error = {};
      if (read_ > most_read) error = boost::beast::http::error::body_limit;
      if (read_ > most_kept) {
        body_.too_large = true;
        return size;
      }
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      return size;
    }

    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
    std::uint64_t read_ = 0;
  };
};

}  // namespace fitmap
