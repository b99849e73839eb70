# csrc/simd/*.cpp are compiled once per instruction set, each time with TALWEG_ISA naming the
# namespace the code lives in (talweg::baseline, talweg::avx2, talweg::avx512). csrc/simd/dispatch*.cpp
# choose between them at run time and are compiled once, with TALWEG_HAVE_<ISA> for each set built.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64" AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(talweg_default_instruction_sets baseline avx2 avx512)
else()
  set(talweg_default_instruction_sets baseline)
endif()
set(TALWEG_INSTRUCTION_SETS "${talweg_default_instruction_sets}" CACHE STRING
    "Instruction sets to build kernels for (baseline is always needed)")

# Kernels add to the bit patterns of doubles as integers, where running over is meant.
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(talweg_bit_pattern_options -fwrapv)
endif()

set(talweg_options_baseline "")
set(talweg_options_avx2 -mavx2 -mfma)
set(talweg_options_avx512
    -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma -mprefer-vector-width=512)

function(talweg_add_instruction_sets library)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/simd/*.cpp)
  set(dispatchers ${sources})
  list(FILTER dispatchers INCLUDE REGEX "/dispatch[^/]*\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/dispatch[^/]*\\.cpp$")
  target_sources(${library} PRIVATE ${dispatchers})
  foreach(isa IN LISTS TALWEG_INSTRUCTION_SETS)
    if(NOT DEFINED talweg_options_${isa})
      message(FATAL_ERROR "TALWEG_INSTRUCTION_SETS: unknown instruction set '${isa}'; "
                          "known are baseline, avx2, avx512")
    endif()
    string(TOUPPER ${isa} upper)
    if(dispatchers)
      set_property(SOURCE ${dispatchers} APPEND PROPERTY COMPILE_DEFINITIONS TALWEG_HAVE_${upper}=1)
    endif()
    if(sources)
      add_library(${library}_simd_${isa} OBJECT ${sources})
      target_compile_definitions(${library}_simd_${isa} PRIVATE TALWEG_ISA=${isa})
      target_compile_options(${library}_simd_${isa} PRIVATE ${talweg_options_${isa}}
                                                            ${talweg_bit_pattern_options})
      target_include_directories(${library}_simd_${isa} PRIVATE
        ${PROJECT_SOURCE_DIR}/csrc ${PROJECT_SOURCE_DIR}/csrc/include)
      target_link_libraries(${library}_simd_${isa} PRIVATE talweg_compile_options)
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Keeps a jump of its own at the end of each handler; merged into one, the processor cannot
        # predict it and an instruction costs three times as much.
        set_property(SOURCE ${PROJECT_SOURCE_DIR}/csrc/simd/interpreter.cpp PROPERTY COMPILE_OPTIONS
                     -fno-crossjumping -fno-gcse -fno-tree-tail-merge)
      endif()
      target_sources(${library} PRIVATE $<TARGET_OBJECTS:${library}_simd_${isa}>)
    endif()
  endforeach()
endfunction()
