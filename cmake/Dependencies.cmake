# SPDX-License-Identifier: Apache-2.0
# What others wrote, each as one INTERFACE target `tfsr_dep_<name>`.
#
# Order on the link line matters: TensorFlow's framework library exports its own BoringSSL, zlib, zstd and RE2, so every
# archive must stand before it, and must stay hidden in what we link (--exclude-libs), or the two bind to each other.

find_package(Python COMPONENTS Interpreter Development.Module REQUIRED)
find_package(Threads REQUIRED)

execute_process(
  COMMAND "${Python_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/find_tensorflow.py"
  OUTPUT_VARIABLE TFSR_TENSORFLOW OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
list(GET TFSR_TENSORFLOW 0 TFSR_TENSORFLOW_DIR)
list(GET TFSR_TENSORFLOW 1 TFSR_TENSORFLOW_VERSION)
message(STATUS "TensorFlow ${TFSR_TENSORFLOW_VERSION} at ${TFSR_TENSORFLOW_DIR}")

# --- TensorFlow's wheel: headers, absl, protobuf -----------------------------------------------------------------
add_library(tfsr_tf_framework SHARED IMPORTED)
set_target_properties(tfsr_tf_framework PROPERTIES
  IMPORTED_LOCATION "${TFSR_TENSORFLOW_DIR}/libtensorflow_framework.so.2"
  IMPORTED_SONAME "libtensorflow_framework.so.2")
add_library(tfsr_tf_cc SHARED IMPORTED)
set_target_properties(tfsr_tf_cc PROPERTIES
  IMPORTED_LOCATION "${TFSR_TENSORFLOW_DIR}/libtensorflow_cc.so.2"
  IMPORTED_SONAME "libtensorflow_cc.so.2"
  INTERFACE_LINK_LIBRARIES tfsr_tf_framework)

add_library(tfsr_dep_absl INTERFACE)
target_compile_definitions(tfsr_dep_absl INTERFACE "TFSR_TENSORFLOW_VERSION=\"${TFSR_TENSORFLOW_VERSION}\"")
target_include_directories(tfsr_dep_absl SYSTEM INTERFACE "${TFSR_TENSORFLOW_DIR}/include")
target_link_libraries(tfsr_dep_absl INTERFACE tfsr_tf_framework Threads::Threads)

add_library(tfsr_dep_tensorflow INTERFACE)
# Session factory and kernels register themselves from libtensorflow_cc, so it must stay although nothing names it.
target_link_libraries(tfsr_dep_tensorflow INTERFACE "-Wl,--no-as-needed" tfsr_tf_cc tfsr_dep_absl)

# --- Debian's static archives --------------------------------------------------------------------------------------
set(TFSR_HIDDEN_ARCHIVES "" CACHE INTERNAL "")
function(tfsr_archive_dependency name)
  cmake_parse_arguments(ARG "" "" "ARCHIVES;DEPS" ${ARGN})
  add_library(tfsr_dep_${name} INTERFACE)
  foreach(archive ${ARG_ARCHIVES})
    find_library(TFSR_ARCHIVE_${archive} NAMES ${archive} REQUIRED)
    if(NOT TARGET tfsr_archive_${archive})
      add_library(tfsr_archive_${archive} STATIC IMPORTED)
      set_target_properties(tfsr_archive_${archive} PROPERTIES
        IMPORTED_LOCATION "${TFSR_ARCHIVE_${archive}}"
        INTERFACE_LINK_LIBRARIES tfsr_tf_framework)  # keeps the archive in front of TensorFlow
      target_link_options(tfsr_archive_${archive} INTERFACE "LINKER:--exclude-libs,${archive}")
    endif()
    target_link_libraries(tfsr_dep_${name} INTERFACE tfsr_archive_${archive})
  endforeach()
  foreach(dep ${ARG_DEPS})
    target_link_libraries(tfsr_dep_${name} INTERFACE tfsr_dep_${dep})
  endforeach()
  target_link_libraries(tfsr_dep_${name} INTERFACE Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

tfsr_archive_dependency(openssl ARCHIVES libssl.a libcrypto.a)
tfsr_archive_dependency(nghttp2 ARCHIVES libnghttp2.a)
set(_nghttp2_copy "${PROJECT_BINARY_DIR}/archives/libnghttp2.a")
if(NOT EXISTS "${_nghttp2_copy}")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/archives")
  execute_process(
    COMMAND "${CMAKE_OBJCOPY}" --redefine-sym stderr=tfsr_nghttp2_stderr "${TFSR_ARCHIVE_libnghttp2.a}" "${_nghttp2_copy}"
    COMMAND_ERROR_IS_FATAL ANY)
endif()
add_library(tfsr_nghttp2_stderr STATIC "${PROJECT_SOURCE_DIR}/cmake/nghttp2_stderr.cc")
set_target_properties(tfsr_archive_libnghttp2.a PROPERTIES
  IMPORTED_LOCATION "${_nghttp2_copy}"
  INTERFACE_LINK_LIBRARIES "tfsr_nghttp2_stderr;tfsr_tf_framework")
tfsr_archive_dependency(zlib ARCHIVES libz.a)
tfsr_archive_dependency(zstd ARCHIVES libzstd.a)
tfsr_archive_dependency(pugixml ARCHIVES libpugixml.a)
tfsr_archive_dependency(archive
  ARCHIVES libarchive.a libnettle.a libacl.a libxml2.a liblzma.a libbz2.a liblz4.a libzstd.a libz.a
  DEPS openssl)

# --- Header-only ----------------------------------------------------------------------------------------------------
find_package(Boost 1.74 REQUIRED)
add_library(tfsr_dep_boost INTERFACE)
target_link_libraries(tfsr_dep_boost INTERFACE Boost::headers)
target_compile_definitions(tfsr_dep_boost INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ALLOW_DEPRECATED_HEADERS)
if(TFSR_SANITIZE STREQUAL "thread")
  # ThreadSanitizer does not know fences; Asio's queues are locked besides.
  target_compile_definitions(tfsr_dep_boost INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
find_package(nlohmann_json 3.11 REQUIRED)
add_library(tfsr_dep_json INTERFACE)
target_link_libraries(tfsr_dep_json INTERFACE nlohmann_json::nlohmann_json)

if(TFSR_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
