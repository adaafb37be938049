# SPDX-License-Identifier: Apache-2.0
# tfsr_protos: TensorFlow Serving's wire definitions, taken from the tensorflow-serving-api wheel, and our own .proto files.
find_program(TFSR_PROTOC protoc HINTS "${Python_EXECUTABLE}/.." NO_DEFAULT_PATH)
if(NOT TFSR_PROTOC)
  get_filename_component(_python_bin "${Python_EXECUTABLE}" DIRECTORY)
  find_program(TFSR_PROTOC protoc HINTS "${_python_bin}" REQUIRED)
endif()

set(TFSR_PROTO_DIR "${PROJECT_BINARY_DIR}/protos")
set(TFSR_WIRE_DESCRIPTORS "${TFSR_PROTO_DIR}/wire.binpb")
file(MAKE_DIRECTORY "${TFSR_PROTO_DIR}")
execute_process(
  COMMAND "${Python_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/export_wire_descriptors.py" "${TFSR_WIRE_DESCRIPTORS}" --list
  OUTPUT_VARIABLE TFSR_WIRE_PROTOS COMMAND_ERROR_IS_FATAL ANY)

# Paths are relative to the include roots, as the generated headers are included.
set(TFSR_SERVING_CORE_PROTOS
  tensorflow_serving/resources/resources.proto
  tensorflow_serving/servables/hashmap/hashmap_source_adapter.proto
  tensorflow_serving/servables/tensorflow/saved_model_bundle_source_adapter.proto
  tensorflow_serving/servables/tensorflow/saved_model_config.proto
  tensorflow_serving/servables/tensorflow/session_bundle_config.proto
  tensorflow_serving/servables/tensorflow/thread_pool_factory_config.proto
  tensorflow_serving/sources/storage_path/static_storage_path_source.proto)
set(TFSR_OWN_PROTOS tfserving_remote/plugin/remote_model_config.proto tfserving_remote/server/health.proto tfserving_remote/server/server_config.proto)

set(_generated)
function(_tfsr_generate proto source)
  string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
  set(outputs "${TFSR_PROTO_DIR}/${stem}.pb.cc" "${TFSR_PROTO_DIR}/${stem}.pb.h")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND "${TFSR_PROTOC}" "--descriptor_set_in=${TFSR_WIRE_DESCRIPTORS}" "--cpp_out=${TFSR_PROTO_DIR}" ${ARGN} "${proto}"
    DEPENDS ${source} "${TFSR_WIRE_DESCRIPTORS}"
    VERBATIM)
  set(_generated ${_generated} ${outputs} PARENT_SCOPE)
endfunction()
foreach(proto ${TFSR_WIRE_PROTOS})
  _tfsr_generate("${proto}" "")
endforeach()
foreach(proto ${TFSR_SERVING_CORE_PROTOS})
  if(EXISTS "${TFSR_CORE_ROOT}/${proto}")
    _tfsr_generate("${proto}" "${TFSR_CORE_ROOT}/${proto}" -I "${TFSR_CORE_ROOT}")
  endif()
endforeach()
foreach(proto ${TFSR_OWN_PROTOS})
  _tfsr_generate("${proto}" "${PROJECT_SOURCE_DIR}/cpp/${proto}" -I "${PROJECT_SOURCE_DIR}/cpp")
endforeach()

add_library(tfsr_protos STATIC ${_generated})
target_include_directories(tfsr_protos SYSTEM PUBLIC "${TFSR_PROTO_DIR}")
target_link_libraries(tfsr_protos PUBLIC tfsr_dep_absl)
target_compile_definitions(tfsr_protos PUBLIC _GLIBCXX_USE_CXX11_ABI=1)
