#include <cstdio>

#include "talweg/status.hpp"

int main() {
  std::printf("%s\n", talweg::describe(talweg::Status::boundary));
  return talweg::succeeded(talweg::Status::boundary) ? 0 : 1;
}
