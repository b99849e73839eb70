# How every translation unit of the project is compiled, carried by an interface target so that
# none of it reaches programs that link the library.
add_library(talweg_compile_options INTERFACE)

if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  # No contraction: results must not depend on how the compiler happens to fuse; kernels write
  # std::fma where they want it. No -ffast-math: NaN and infinity are results here.
  target_compile_options(talweg_compile_options INTERFACE
    -Wall -Wextra -fno-math-errno -fno-trapping-math -ffp-contract=off)
endif()

if(TALWEG_SANITIZE)
  target_compile_options(talweg_compile_options INTERFACE
    -fsanitize=${TALWEG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(talweg_compile_options INTERFACE -fsanitize=${TALWEG_SANITIZE})
endif()
