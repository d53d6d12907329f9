# One static library a folder; `beeld` joins them.

function(beeld_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -fno-math-errno -fno-trapping-math)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    # Every ARM has fused products, and a compiler that uses them where it likes changes what is exact.
    target_compile_options(${target} PRIVATE -ffp-contract=off)
  endif()
  if(BEELD_DEVELOPER)
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
      # GCC 12 sees overlapping copies where strings are joined, and there are none (GCC bug 105651).
      $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
      # Behind a precompiled header also copies that are too long. The other presets keep these warnings.
      target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-array-bounds)
    endif()
  endif()
  if(BEELD_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${BEELD_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${BEELD_SANITIZE})
  endif()
endfunction()

# Headers that most sources read, compiled once (for GCC: its precompiled headers serve every optimization level).
# None of beeld's own, for a change there would compile everything again; and not nlohmann/json.hpp, which costs a
# source that does not use it half a second even so.
set(beeld_headers <algorithm> <array> <atomic> <cmath> <filesystem> <fstream> <functional> <map> <memory> <mutex>
  <nlohmann/json_fwd.hpp> <optional> <span> <sstream> <string> <string_view> <unordered_map> <vector>)

# beeld_precompile(target header...): of its own; beeld_precompile(target REUSE_FROM other): those of a target that is
# compiled with the same options and no definition that this one lacks.
function(beeld_precompile target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache asks for it
    if(ARGV1 STREQUAL "REUSE_FROM")
      target_precompile_headers(${target} REUSE_FROM ${ARGV2})
    else()
      target_precompile_headers(${target} PRIVATE ${ARGN})
    endif()
  endif()
endfunction()

# The libraries' headers, compiled without the definitions of any of them.
file(CONFIGURE OUTPUT headers.cpp CONTENT "" @ONLY)
add_library(beeld_headers OBJECT ${CMAKE_CURRENT_BINARY_DIR}/headers.cpp)
set_target_properties(beeld_headers PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(beeld_headers PRIVATE nlohmann_json::nlohmann_json)
beeld_compile_options(beeld_headers)
beeld_precompile(beeld_headers ${beeld_headers})

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  # Vectors whose width is not known to the compiler are members and elements of nothing.
  set(beeld_disabled_targets "(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128)")
else()
  # Every processor that has SSSE3 and not SSE4 is older than beeld's users' (2006), and a target is a fifth of the work.
  set(beeld_disabled_targets HWY_SSSE3)
endif()

# beeld_library(folder SOURCES a.cpp b.cpp PUBLIC targets PRIVATE targets)
function(beeld_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(beeld_${name} STATIC ${arg_SOURCES})
  add_library(beeld::${name} ALIAS beeld_${name})
  set_target_properties(beeld_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  beeld_compile_options(beeld_${name})
  target_include_directories(beeld_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(beeld_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  target_compile_definitions(beeld_${name} PRIVATE HWY_DISABLED_TARGETS=${beeld_disabled_targets})
  beeld_precompile(beeld_${name} REUSE_FROM beeld_headers)
  install(TARGETS beeld_${name} EXPORT beeldTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# beeld_cold(pattern...): sources that only read settings or write pages, or wait for a server. The last -O counts, and
# -O3 takes half as long again to compile.
function(beeld_cold)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O1>)
endfunction()

function(beeld_umbrella)
  add_library(beeld INTERFACE)
  add_library(beeld::beeld ALIAS beeld)
  target_link_libraries(beeld INTERFACE beeld_core beeld_text beeld_vision beeld_multimodal)
  install(TARGETS beeld EXPORT beeldTargets)
endfunction()

# beeld_test(folder SOURCES a_test.cpp b_test.cpp LINK targets): one test program a folder.
function(beeld_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name}_tests ${arg_SOURCES})
  beeld_compile_options(${name}_tests)
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name}_tests PRIVATE ${arg_LINK} beeld_test_support GTest::gtest_main)
  beeld_precompile(${name}_tests REUSE_FROM beeld_test_support)
  # What is tested is in the libraries. The last -O counts, and -O3 takes half as long again to compile.
  target_compile_options(${name}_tests PRIVATE $<$<CONFIG:Release>:-O1>)
  set(suppressions ${PROJECT_SOURCE_DIR}/tests/support)
  set(timeout 600)
  if(BEELD_SANITIZE)
    set(timeout 3600)  # a thousand photos take that much longer
  endif()
  gtest_discover_tests(${name}_tests DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${timeout} LABELS ${name}
    ENVIRONMENT "LSAN_OPTIONS=suppressions=${suppressions}/leaks.supp:print_suppressions=0;TSAN_OPTIONS=suppressions=${suppressions}/races.supp")
endfunction()
