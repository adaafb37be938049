// SPDX-License-Identifier: Apache-2.0
// The contents page of tfserving_remote._native: one bind_<thing>.cc each.
#include "bindings/bindings.h"

namespace tfserving_remote {
namespace {

PyObject* ExceptionFor(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kNotFound:
      return PyExc_FileNotFoundError;
    case absl::StatusCode::kAlreadyExists:
      return PyExc_FileExistsError;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return PyExc_PermissionError;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return PyExc_ValueError;
    case absl::StatusCode::kDeadlineExceeded:
      return PyExc_TimeoutError;
    case absl::StatusCode::kUnavailable:
      return PyExc_ConnectionError;
    case absl::StatusCode::kResourceExhausted:
      return PyExc_MemoryError;
    case absl::StatusCode::kUnimplemented:
      return PyExc_NotImplementedError;
    default:
      return PyExc_RuntimeError;
  }
}

}  // namespace

void ThrowIfError(const absl::Status& status) {
  if (status.ok()) return;
  PyErr_SetString(ExceptionFor(status.code()), std::string(status.message()).c_str());
  throw pybind11::error_already_set();
}

}  // namespace tfserving_remote

PYBIND11_MODULE(_native, module) {
  module.doc() = "Native part of tfserving_remote: the rooms of the server, seen from Python.";
  tfserving_remote::BindBuildInfo(module);
  tfserving_remote::BindVersionReader(module);
}
