# Libraries of the rarer picture formats. beeld is compiled with their headers and loads them when a file needs them, by
# the names that they state themselves: a program that meets no such file does not pay for them at its start, and
# who links beeld need not link them. Without one of them the build goes on, and its files are refused by name.
set(BEELD_CODECS webp tiff heif avif jxl raw icc CACHE STRING
  "Picture libraries to be read with, where they are there: of webp, tiff, heif, avif, jxl, raw, icc")

# beeld_codec(name module source): `module` is pkg-config's; `source` gets the library's name as BEELD_<NAME>, and so
# does decode/formats.cpp, which knows what the build reads.
function(beeld_codec name module source)
  if(NOT name IN_LIST BEELD_CODECS)
    return()
  endif()
  string(TOUPPER BEELD_${name} macro)
  pkg_check_modules(${macro} QUIET ${module})
  if(NOT ${macro}_FOUND)
    message(STATUS "beeld: no ${module}, and so nothing of what it reads")
    return()
  endif()
  list(GET ${macro}_LINK_LIBRARIES 0 library)
  execute_process(COMMAND ${CMAKE_READELF} -d ${library} OUTPUT_VARIABLE dynamic)
  if(NOT dynamic MATCHES "SONAME[^[]*\\[([^]]+)\\]")
    message(FATAL_ERROR "beeld: ${library} states no name of its own")
  endif()
  set_property(SOURCE ${source} decode/formats.cpp APPEND PROPERTY COMPILE_DEFINITIONS ${macro}="${CMAKE_MATCH_1}")
  target_include_directories(beeld_vision SYSTEM PRIVATE ${${macro}_INCLUDE_DIRS})
  set_property(GLOBAL APPEND PROPERTY BEELD_CODECS_FOUND ${name})
endfunction()
