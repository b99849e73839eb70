# One tree, whether below a prefix or below talweg/ in the wheel: include, lib, share/cmake/talweg.
# lib is spelled out because GNUInstallDirs would write lib64 on some systems.
include(CMakePackageConfigHelpers)

install(TARGETS talweg EXPORT talweg-targets ARCHIVE DESTINATION lib)
install(DIRECTORY csrc/include/ DESTINATION include)
install(EXPORT talweg-targets NAMESPACE talweg:: DESTINATION share/cmake/talweg)
configure_package_config_file(cmake/talweg-config.cmake.in talweg-config.cmake
                              INSTALL_DESTINATION share/cmake/talweg)
write_basic_package_version_file(talweg-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/talweg-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/talweg-config-version.cmake
        DESTINATION share/cmake/talweg)

if(DEFINED SKBUILD)
  install(TARGETS ${talweg_python_modules} LIBRARY DESTINATION .)
endif()
