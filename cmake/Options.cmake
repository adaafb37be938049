# SPDX-License-Identifier: Apache-2.0
# Compiler flags of our own code. Warnings are errors; headers of others are system headers.
add_library(tfsr_options INTERFACE)
target_compile_options(tfsr_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wno-unused-parameter -fno-omit-frame-pointer)
target_compile_definitions(tfsr_options INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(tfsr_options INTERFACE -Wthread-safety)
endif()
if(TFSR_SANITIZE)
  target_compile_options(tfsr_options INTERFACE -fsanitize=${TFSR_SANITIZE} -fno-sanitize-recover=all)
  if(TFSR_SANITIZE MATCHES "undefined")
    # With these checks gcc no longer sees constant expressions in the headers of absl and protobuf.
    target_compile_options(tfsr_options INTERFACE
      -fno-sanitize=null -fno-sanitize=nonnull-attribute -fno-sanitize=returns-nonnull-attribute)
  endif()
  if(TFSR_SANITIZE STREQUAL "thread")
    # Asio has fences, which the sanitizer does not model. absl and protobuf must not see the sanitizer: their messages
    # would get another layout than those inside the TensorFlow wheel.
    target_compile_options(tfsr_options INTERFACE -Wno-tsan -U__SANITIZE_THREAD__)
    target_compile_definitions(tfsr_options INTERFACE _GLIBCXX_TSAN=1)
  endif()
  target_link_options(tfsr_options INTERFACE -fsanitize=${TFSR_SANITIZE})
endif()
target_include_directories(tfsr_options INTERFACE "${PROJECT_SOURCE_DIR}/cpp")  # ServingCore.cmake adds the core's

find_program(TFSR_CCACHE ccache)
if(TFSR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers are seen by ccache only with these two kinds of sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "CCACHE_NOHASHDIR=1" "${TFSR_CCACHE}")
endif()
