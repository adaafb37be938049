// SPDX-License-Identifier: Apache-2.0
// The names of namespace tensorflow that plugins of this API use unqualified, without TensorFlow's
// heavy headers. Every name denotes exactly the type that TensorFlow's own headers give it, so both
// may be included in any order. Internal: plugins get it through the headers they include.
#ifndef TENSORFLOW_SERVING_UTIL_TENSORFLOW_NAMES_H_
#define TENSORFLOW_SERVING_UTIL_TENSORFLOW_NAMES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tsl {
class Env;
class Thread;
}  // namespace tsl

namespace tensorflow {

using Status = ::absl::Status;
using string = ::std::string;
using StringPiece = ::absl::string_view;
using int32 = ::std::int32_t;
using int64 = ::std::int64_t;
using uint32 = ::std::uint32_t;
using uint64 = ::std::uint64_t;
using ::tsl::Env;
using ::tsl::Thread;

namespace serving {
namespace internal {

// Env::Default(), for defaults in headers that only know the name Env.
Env* DefaultEnv();

// `env`'s wall clock: microseconds since the epoch.
uint64_t NowMicros(Env* env);

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_UTIL_TENSORFLOW_NAMES_H_
