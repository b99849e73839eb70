#include "talweg/status.hpp"

#include <doctest/doctest.h>

#include <cstring>

TEST_CASE("codes from 100 on are failures") {
  CHECK(talweg::succeeded(talweg::Status::boundary));
  CHECK_FALSE(talweg::succeeded(talweg::Status::step_too_small));
}

TEST_CASE("an unknown code is described, not an error") {
  CHECK(std::strlen(talweg::describe(static_cast<talweg::Status>(-1))) > 0);
}
