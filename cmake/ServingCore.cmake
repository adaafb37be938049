# SPDX-License-Identifier: Apache-2.0
# The include root of tensorflow_serving/...: our own core, or with -DSERVING_CORE=upstream -DTFS_ROOT=DIR a checkout of
# TensorFlow Serving. The two never meet: one of them is on the include path, and messages are generated from its files.
if(SERVING_CORE STREQUAL "bundled")
  set(TFSR_CORE_ROOT "${PROJECT_SOURCE_DIR}/cpp/serving_core")
  target_include_directories(tfsr_options INTERFACE "${TFSR_CORE_ROOT}")
elseif(SERVING_CORE STREQUAL "upstream")
  if(NOT EXISTS "${TFS_ROOT}/tensorflow_serving/core/source.h")
    message(FATAL_ERROR "SERVING_CORE=upstream needs -DTFS_ROOT=DIR with DIR/tensorflow_serving/core/source.h; TFS_ROOT is \"${TFS_ROOT}\"")
  endif()
  get_filename_component(TFSR_CORE_ROOT "${TFS_ROOT}" ABSOLUTE)
  target_include_directories(tfsr_options SYSTEM INTERFACE "${TFSR_CORE_ROOT}")
else()
  message(FATAL_ERROR "SERVING_CORE is \"${SERVING_CORE}\"; it is to be bundled or upstream")
endif()
