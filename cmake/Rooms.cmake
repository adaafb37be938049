# SPDX-License-Identifier: Apache-2.0
# One static library and at most one test binary per room: linking against TensorFlow is dear, so there are few links.

# TensorFlow's heavy headers, compiled once for all rooms that name `tensorflow` in DEPS.
function(_tfsr_use_tensorflow_headers target)
  if(NOT TARGET tfsr_tensorflow_pch)
    add_library(tfsr_tensorflow_pch STATIC "${PROJECT_SOURCE_DIR}/cmake/pch.cc")
    target_link_libraries(tfsr_tensorflow_pch PUBLIC tfsr_options tfsr_dep_tensorflow)
    target_precompile_headers(tfsr_tensorflow_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/tensorflow_pch.h")
  endif()
  target_precompile_headers(${target} REUSE_FROM tfsr_tensorflow_pch)
endfunction()

function(_tfsr_link target)
  target_link_libraries(${target} PUBLIC tfsr_options)
  foreach(dep ${ARGN})
    if(TARGET tfsr_dep_${dep})
      target_link_libraries(${target} PUBLIC tfsr_dep_${dep})
    else()
      target_link_libraries(${target} PUBLIC tfsr_${dep})
    endif()
    if(dep STREQUAL "tensorflow")
      _tfsr_use_tensorflow_headers(${target})
    endif()
  endforeach()
endfunction()

# tfsr_cc_library(NAME room SRCS ... HDRS ... DEPS ...): the library tfsr_<room>.
function(tfsr_cc_library)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;HDRS;DEPS" ${ARGN})
  add_library(tfsr_${ARG_NAME} STATIC ${ARG_SRCS} ${ARG_HDRS})
  set_target_properties(tfsr_${ARG_NAME} PROPERTIES LINKER_LANGUAGE CXX)
  _tfsr_link(tfsr_${ARG_NAME} ${ARG_DEPS})
endfunction()

# tfsr_cc_test(NAME room_test SRCS ... DEPS ...): one GoogleTest binary, known to CTest.
function(tfsr_cc_test)
  if(NOT TFSR_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  if(TFSR_SANITIZE STREQUAL "thread")
    list(APPEND ARG_SRCS "${PROJECT_SOURCE_DIR}/cpp/tfserving_remote/testing/tsan_absl.cc")
  endif()
  add_executable(${ARG_NAME} ${ARG_SRCS})
  _tfsr_link(${ARG_NAME} ${ARG_DEPS})
  target_link_libraries(${ARG_NAME} PUBLIC GTest::gmock GTest::gtest_main)
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  # TensorFlow is not instrumented, so containers that it fills look half empty to AddressSanitizer.
  set_tests_properties(${ARG_NAME} PROPERTIES
    ENVIRONMENT "ASAN_OPTIONS=detect_container_overflow=0;TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan_suppressions.txt;TF_CPP_MIN_LOG_LEVEL=1;TFSR_SOURCE_DIR=${PROJECT_SOURCE_DIR};TFSR_PYTHON=${Python_EXECUTABLE}")
endfunction()

function(tfsr_add_rooms)
  foreach(room ${ARGN})
    if(EXISTS "${PROJECT_SOURCE_DIR}/${room}/CMakeLists.txt")
      add_subdirectory("${PROJECT_SOURCE_DIR}/${room}" "${PROJECT_BINARY_DIR}/${room}")
    endif()
  endforeach()
endfunction()
