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
set(talweg_python_modules _core)

if(TALWEG_PYTHON_IN_SOURCE)
  set_target_properties(${talweg_python_modules} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/src/talweg)
endif()
