# SPDX-License-Identifier: Apache-2.0
# What the wheel holds: libtfserving_remote.so with every room, and what stands on it.

set(TFSR_PRODUCT_ROOMS protos serving_core serving_sources serving_tensorflow serving_hashmap serving_model_servers
  base net store manifest stream source policy plugin inference server)
set(_objects)
foreach(room ${TFSR_PRODUCT_ROOMS})
  if(TARGET tfsr_${room})
    list(APPEND _objects "$<TARGET_OBJECTS:tfsr_${room}>")
  endif()
endforeach()

# Every object, not archives of them, so that static registrations stay and a stranger's plugin finds every class.
add_library(tfserving_remote SHARED ${_objects})
set_target_properties(tfserving_remote PROPERTIES
  LINKER_LANGUAGE CXX
  LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}"
  INSTALL_RPATH "$ORIGIN/../tensorflow")
# What rooms call that is not theirs; TensorFlow comes last (Dependencies.cmake says why).
target_link_libraries(tfserving_remote PRIVATE
  tfsr_options tfsr_dep_nghttp2 tfsr_dep_pugixml tfsr_dep_archive tfsr_dep_openssl tfsr_dep_zlib tfsr_dep_zstd tfsr_dep_tensorflow)
target_link_options(tfserving_remote PRIVATE "LINKER:-z,defs" "LINKER:--gc-sections")

# Users of the library see its headers, but link it instead of the rooms.
add_library(tfsr_product INTERFACE)
target_link_libraries(tfsr_product INTERFACE tfserving_remote tfsr_options tfsr_dep_tensorflow)
target_include_directories(tfsr_product SYSTEM INTERFACE "${TFSR_PROTO_DIR}")

add_executable(tensorflow_model_server "${PROJECT_SOURCE_DIR}/cpp/tfserving_remote/server/main.cc")
target_link_libraries(tensorflow_model_server PRIVATE tfsr_product)
set_target_properties(tensorflow_model_server PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}"
  INSTALL_RPATH "$ORIGIN/..:$ORIGIN/../../tensorflow")

install(TARGETS tfserving_remote LIBRARY DESTINATION tfserving_remote COMPONENT wheel)
install(TARGETS tensorflow_model_server RUNTIME DESTINATION tfserving_remote/bin COMPONENT wheel)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/_built_for.txt" CONTENT "@TFSR_TENSORFLOW_VERSION@\n" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/_built_for.txt" DESTINATION tfserving_remote COMPONENT wheel)
install(FILES "${TFSR_WIRE_DESCRIPTORS}" DESTINATION tfserving_remote RENAME _wire.binpb COMPONENT wheel)

include(Package)
