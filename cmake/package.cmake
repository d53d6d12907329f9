# ./dev package: the command with its model as a .deb and as a .tar.gz. The library is for those who build it.
set(CPACK_PACKAGE_NAME beeld)
set(CPACK_PACKAGE_CONTACT "beeld's authors <beeld@localhost>")
set(CPACK_PACKAGE_VENDOR beeld)
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_COMPONENTS_ALL command)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_RELOCATABLE ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME beeld)
set(CPACK_DEBIAN_COMMAND_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Libraries that are loaded when a file needs them are no dependencies that a tool could find.
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS
  "libwebp7, libtiff6, libheif1, libavif15, libjxl0.7, libraw20, liblcms2-2")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Pictures are searched by sentences or by other pictures, classified by words,
sorted into groups and embedded, with published checkpoints of the CLIP family
or the small model that is part of the package, which is for research only.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_COMMAND_FILE_NAME beeld-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/package_options.cmake)
include(CPack)
