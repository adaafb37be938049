# SPDX-License-Identifier: Apache-2.0
# Prints what the tfsr_cc_library calls of a CMakeLists.txt say, as CMake itself reads it, without configuring a build:
#   cmake -DLISTS=cpp/tfserving_remote/base/CMakeLists.txt -P tools/list_libraries.cmake
# One line a library: "library NAME|SRCS|HDRS|DEPS", with ";" between the words of a field.

function(tfsr_cc_library)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;HDRS;DEPS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tfsr_cc_library(${ARG_NAME}): what is ${ARG_UNPARSED_ARGUMENTS}?")
  endif()
  message("library ${ARG_NAME}|${ARG_SRCS}|${ARG_HDRS}|${ARG_DEPS}")
endfunction()

# Whatever else stands there makes targets, which a script cannot.
foreach(command
    add_custom_command add_custom_target add_dependencies add_executable add_library add_test set_property
    set_source_files_properties set_target_properties target_compile_definitions target_compile_options
    target_include_directories target_link_libraries target_sources tfsr_add_rooms tfsr_cc_test)
  function(${command})
  endfunction()
endforeach()

set(TFSR_BUILD_TESTS OFF)
foreach(list ${LISTS})
  include("${list}")
endforeach()
