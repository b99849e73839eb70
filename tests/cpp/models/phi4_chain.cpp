#include "models/block_check.hpp"

namespace {

using namespace talweg::testing;

struct Formula {
  talweg::Phi4Chain c;
  template <class Point>
  auto operator()(const Point& x) const {
    using Number = typename Point::value_type;
    Number sum(0.0);
    for (std::size_t i = 0; i < c.n; ++i) {
      const Number well = x[i] * x[i] - 1.0;
      sum += 0.25 * well * well;
      if (i + 1 == c.n && !c.periodic) continue;
      const Number stretch = x[(i + 1) % c.n] - x[i];
      sum += 0.5 * c.coupling * stretch * stretch;
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("phi-4 chains: derivatives and blocks") {
  for (const auto& chain : {talweg::Phi4Chain{2, 0.3, false}, talweg::Phi4Chain{3, 0.0, true},
                            talweg::Phi4Chain{3, 0.7, true}, talweg::Phi4Chain{8, 0.3, false},
                            talweg::Phi4Chain{11, 2.0, true}}) {
    const auto objective = make_objective(chain);
    CHECK(greatest_derivative_error(*objective, Formula{chain}, -2.0, 2.0, 5) < 1e-14);
    check_blocks(*objective, -2.0, 2.0);
  }
}

TEST_CASE("phi-4 chains that make no sense") {
  CHECK(begins_with(refusal(talweg::Phi4Chain{1}), "n: want at least 2, got 1"));
  CHECK(begins_with(refusal(talweg::Phi4Chain{2, 0.1, true}), "n: want at least 3, got 2"));
  CHECK(begins_with(refusal(talweg::Phi4Chain{4, -1.0}), "coupling: "));
}
