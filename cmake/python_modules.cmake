# The Python extension modules talweg._core (pybind11) and talweg._lapack (Cython).
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

# In an isolated build pip puts pybind11 on the path of this interpreter, not of CMake.
execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
                OUTPUT_VARIABLE pybind11_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
find_package(pybind11 3 REQUIRED)

file(GLOB core_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/python/*.cpp)
pybind11_add_module(_core MODULE ${core_sources})
target_include_directories(_core PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
target_link_libraries(_core PRIVATE talweg talweg_compile_options)
target_compile_definitions(_core PRIVATE TALWEG_VERSION="${PROJECT_VERSION}")

# The Cython module only copies SciPy's function pointers into the table that _core guards; it does
# not link the library, of which there must be one copy a process.
set(lapack_cpp ${CMAKE_CURRENT_BINARY_DIR}/_lapack.cpp)
add_custom_command(
  OUTPUT ${lapack_cpp}
  COMMAND ${Python_EXECUTABLE} -m cython -3 --cplus ${PROJECT_SOURCE_DIR}/src/talweg/_lapack.pyx
          -o ${lapack_cpp}
  DEPENDS ${PROJECT_SOURCE_DIR}/src/talweg/_lapack.pyx
  VERBATIM)
python_add_library(_lapack MODULE WITH_SOABI ${lapack_cpp})
target_include_directories(_lapack PRIVATE ${PROJECT_SOURCE_DIR}/csrc
                                           ${PROJECT_SOURCE_DIR}/csrc/include)
target_compile_features(_lapack PRIVATE cxx_std_20)
set(talweg_python_modules _core _lapack)

if(TALWEG_PYTHON_IN_SOURCE)
  set_target_properties(${talweg_python_modules} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/src/talweg)
endif()
