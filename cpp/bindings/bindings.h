// SPDX-License-Identifier: Apache-2.0
#ifndef BINDINGS_BINDINGS_H_
#define BINDINGS_BINDINGS_H_

#include <pybind11/pybind11.h>

#include "absl/status/status.h"

namespace tfserving_remote {

void BindBuildInfo(pybind11::module_& module);
void BindVersionReader(pybind11::module_& module);

/// Throws the Python exception that is nearest to `status`, unless it is OK. The one place that
/// maps codes.
void ThrowIfError(const absl::Status& status);

}  // namespace tfserving_remote

#endif  // BINDINGS_BINDINGS_H_
