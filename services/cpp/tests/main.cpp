#define BOOST_TEST_MODULE fitmap
#include <boost/test/included/unit_test.hpp>
