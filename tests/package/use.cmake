# cmake -DHOW=installed|build_tree|subdirectory -DSOURCE=... -DBUILD=... -DWORK=... [-DWRITER=...] -P use.cmake
#
# Configures the consumer against beeld in one of three ways, builds it and runs it on a checkpoint and a picture
# that WRITER makes. As a subdirectory beeld would be compiled anew, so that way ends with the configuration,
# which already resolves every target.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}: ${status}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
if(HOW STREQUAL "installed")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  set(beeld -DCMAKE_PREFIX_PATH=${WORK}/prefix)
elseif(HOW STREQUAL "build_tree")
  set(beeld -Dbeeld_DIR=${BUILD})
else()
  set(beeld -DBEELD_AS_SUBDIRECTORY=${SOURCE})
endif()
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/package -B ${WORK}/consumer -G ${GENERATOR} -DCMAKE_BUILD_TYPE=Release ${beeld})
if(HOW STREQUAL "subdirectory")
  return()
endif()

run(${CMAKE_COMMAND} --build ${WORK}/consumer)
run(${WRITER} ${WORK})
run(${WORK}/consumer/readme ${WORK}/model ${WORK}/picture.png)
if(NOT output MATCHES "^[^\n]+ 0\\.[0-9]+\n[^\n]+ 0\\.[0-9]+\n[^\n]+ 0\\.[0-9]+\n$")
  message(FATAL_ERROR "expected three labels with their scores, got:\n${output}")
endif()
