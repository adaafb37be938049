# SPDX-License-Identifier: Apache-2.0
# The plugin against a checkout of TensorFlow Serving: proof that it compiles there unmodified. Linking it is the business
# of that tree's own build, where BUILD has its targets.
set(TFSR_BUILD_TESTS OFF)  # they stand on the test utilities of our core
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)  # a room does not wait for the code of others

add_library(tfsr_serving_core INTERFACE)
target_link_libraries(tfsr_serving_core INTERFACE tfsr_protos)
tfsr_add_rooms(${TFSR_PLUGIN_ROOMS})

set(_objects)
foreach(room ${TFSR_PLUGIN_ROOMS})
  cmake_path(GET room FILENAME name)
  if(TARGET tfsr_${name})
    list(APPEND _objects "$<TARGET_OBJECTS:tfsr_${name}>")
  endif()
endforeach()
add_library(tfserving_remote_plugin STATIC ${_objects})
set_target_properties(tfserving_remote_plugin PROPERTIES LINKER_LANGUAGE CXX)
