# find_package(beeld) works from an install prefix and, with -Dbeeld_DIR=<build folder>, from a build tree.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/beeld)

configure_package_config_file(cmake/beeldConfig.cmake.in ${PROJECT_BINARY_DIR}/beeldConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/beeldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(cmake/dependencies.cmake ${PROJECT_BINARY_DIR}/dependencies.cmake COPYONLY)
export(EXPORT beeldTargets NAMESPACE beeld:: FILE ${PROJECT_BINARY_DIR}/beeldTargets.cmake)

install(DIRECTORY include/beeld DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
# The default model with its card; a source tree without them installs all the rest.
install(DIRECTORY data/model DESTINATION ${CMAKE_INSTALL_DATADIR}/beeld COMPONENT command OPTIONAL
  FILES_MATCHING PATTERN "*.json" PATTERN "*.model" PATTERN "*.safetensors")
install(FILES data/MODEL_CARD.md data/known_models.tsv DESTINATION ${CMAKE_INSTALL_DATADIR}/beeld COMPONENT command OPTIONAL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT command)
install(EXPORT beeldTargets NAMESPACE beeld:: DESTINATION ${package_folder})
install(FILES ${PROJECT_BINARY_DIR}/beeldConfig.cmake ${PROJECT_BINARY_DIR}/beeldConfigVersion.cmake
  cmake/dependencies.cmake DESTINATION ${package_folder})
