#include "pool.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/endian/conversion.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>

#include "run.hpp"

using namespace fitmap;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

// Greets connections, and answers nothing else until it is told.
class FakeDatabase {
 public:
  explicit FakeDatabase(asio::io_context& context) : acceptor_(context, {asio::ip::make_address("127.0.0.1"), 0}) {
    asio::co_spawn(context, accept_all(), asio::detached);
  }

  DatabaseConfig config() const {
    return {"user", "password", "127.0.0.1", std::to_string(acceptor_.local_endpoint().port()), "name"};
  }
  std::size_t greeted() const { return sockets_.size(); }
  void hang_up() { sockets_.clear(); }
  // ParseComplete, ReadyForQuery: to all that have asked for something.
  void answer() {
    constexpr std::string_view prepared("1\0\0\0\x4Z\0\0\0\x5I", 11);
    for (auto& socket : sockets_) {
      if (socket.available() > 0) asio::write(socket, asio::buffer(prepared));
    }
  }
  void stop() {
    acceptor_.close();
    hang_up();
  }

 private:
  Task<> accept_all() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(with_error);
      if (error) co_return;
      std::array<unsigned char, 4> length;
      co_await asio::async_read(socket, asio::buffer(length), awaiting);
      std::vector<char> rest(boost::endian::load_big_u32(length.data()) - length.size());
      co_await asio::async_read(socket, asio::buffer(rest), awaiting);
      // AuthenticationOk, ReadyForQuery.
      constexpr std::string_view greeting("R\0\0\0\x8\0\0\0\0Z\0\0\0\x5I", 15);
      co_await asio::async_write(socket, asio::buffer(greeting), awaiting);
      sockets_.push_back(std::move(socket));
    }
  }

  tcp::acceptor acceptor_;
  std::deque<tcp::socket> sockets_;
};

struct Stand {
  asio::io_context context{1};
  FakeDatabase database{context};
  DatabaseConfig config = database.config();
  DatabaseState state{1};
  Pool pool{context.get_executor(), config, 2, state};

  // What a test does; then all ends, or the loop would go on for ever.
  Task<bool> drive(Task<> test) {
    pool.open();
    try {
      co_await std::move(test);
    } catch (...) {
      end();
      throw;
    }
    end();
    co_return true;
  }
  void end() {
    pool.close();
    database.stop();
  }
  void run(Task<> (*test)(Stand&)) { ::run(context, drive(test(*this))); }

  Task<> pause(Clock::duration time) {
    Timer timer(context.get_executor(), time);
    co_await timer.async_wait(awaiting);
  }
  Task<> whole() {
    while (!state.is_ready()) co_await pause(1ms);
  }
};

// Borrows a connection for no time.
Task<> use(Pool& pool, std::string& order, char name) {
  const auto lease = co_await pool.acquire();
  order += name;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pool)

BOOST_AUTO_TEST_CASE(all_connections_are_open_before_it_is_ready) {
  Stand().run([](Stand& stand) -> Task<> {
    BOOST_TEST(!stand.state.is_ready());
    co_await stand.whole();
    BOOST_TEST(stand.database.greeted() == 2u);
  });
}

BOOST_AUTO_TEST_CASE(the_connection_that_was_used_last_is_lent_first) {
  Stand().run([](Stand& stand) -> Task<> {
    co_await stand.whole();
    const Connection* last = nullptr;
    {
      const auto first = co_await stand.pool.acquire();
      const auto second = co_await stand.pool.acquire();
      BOOST_TEST(&*first != &*second);
      last = &*first;  // it is given back after the other
    }
    const auto again = co_await stand.pool.acquire();
    BOOST_TEST(&*again == last);
  });
}

BOOST_AUTO_TEST_CASE(who_waits_gets_the_next_connection_in_turn_or_none_after_two_seconds) {
  Stand().run([](Stand& stand) -> Task<> {
    co_await stand.whole();
    auto first = std::make_unique<Lease>(co_await stand.pool.acquire());
    const auto second = co_await stand.pool.acquire();
    std::string order;
    for (const char name : {'a', 'b'}) {
      asio::co_spawn(stand.context, use(stand.pool, order, name), asio::detached);
    }
    co_await stand.pause(10ms);
    BOOST_TEST(order == "");
    first.reset();
    co_await stand.pause(10ms);
    BOOST_TEST(order == "ab");
    const auto third = co_await stand.pool.acquire();
    const auto start = Clock::now();
    BOOST_CHECK_THROW(co_await stand.pool.acquire(), Unavailable);
    BOOST_TEST((Clock::now() - start >= 2s));
    BOOST_TEST((Clock::now() - start < 3s));
  });
}

BOOST_AUTO_TEST_CASE(a_connection_that_was_lost_while_idle_is_not_lent) {
  Stand().run([](Stand& stand) -> Task<> {
    co_await stand.whole();
    stand.database.hang_up();
    co_await stand.pause(10ms);
    const auto first = co_await stand.pool.acquire();
    const auto second = co_await stand.pool.acquire();
    BOOST_TEST(first->is_quiet());
    BOOST_TEST(second->is_quiet());
    BOOST_TEST(stand.database.greeted() == 2u);
  });
}

// Asks for something that the database does not answer in time.
Task<> be_late(Stand& stand) {
  const auto start = Clock::now();
  const auto lease = co_await stand.pool.acquire();
  lease->set_deadline(Clock::now() + 100ms);
  BOOST_CHECK_THROW(co_await lease->execute(sql::health), Unavailable);
  BOOST_TEST(!lease->is_idle());
  BOOST_TEST((Clock::now() - start < 1s));
}

BOOST_AUTO_TEST_CASE(a_connection_goes_back_once_its_late_statement_has_ended) {
  Stand().run([](Stand& stand) -> Task<> {
    co_await stand.whole();
    co_await be_late(stand);
    {
      // The pool opens none beside it.
      const auto other = co_await stand.pool.acquire();
      BOOST_CHECK_THROW(co_await stand.pool.acquire(), Unavailable);
      BOOST_TEST(stand.database.greeted() == 2u);
    }
    stand.database.answer();
    co_await stand.pause(50ms);
    const auto first = co_await stand.pool.acquire();
    const auto second = co_await stand.pool.acquire();
    BOOST_TEST(stand.database.greeted() == 2u);
  });
}

BOOST_AUTO_TEST_CASE(a_connection_whose_late_statement_does_not_end_is_replaced) {
  Stand().run([](Stand& stand) -> Task<> {
    co_await stand.whole();
    co_await be_late(stand);
    co_await stand.pause(5s);
    BOOST_TEST(stand.database.greeted() == 2u);
    co_await stand.pause(1500ms);
    BOOST_TEST(stand.database.greeted() == 3u);
  });
}

BOOST_AUTO_TEST_SUITE_END()
