# The packages that dependencies.cmake names, for this build: all of them required, and visible in the project
# that beeld is a subdirectory of.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
set(CMAKE_FIND_PACKAGE_NAME beeld)
set(beeld_FIND_REQUIRED ON)
include(cmake/dependencies.cmake)
unset(beeld_FIND_REQUIRED)
unset(CMAKE_FIND_PACKAGE_NAME)
unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
