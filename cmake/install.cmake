install(DIRECTORY include/beeld DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT beeldTargets NAMESPACE beeld:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/beeld)
configure_package_config_file(cmake/beeldConfig.cmake.in ${PROJECT_BINARY_DIR}/beeldConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/beeld)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/beeldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/beeldConfig.cmake ${PROJECT_BINARY_DIR}/beeldConfigVersion.cmake
  cmake/dependencies.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/beeld)
