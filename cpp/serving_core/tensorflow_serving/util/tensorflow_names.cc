// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/util/tensorflow_names.h"

#include "tensorflow/core/platform/env.h"

namespace tensorflow {
namespace serving {
namespace internal {

Env* DefaultEnv() { return Env::Default(); }

uint64_t NowMicros(Env* env) { return env->NowMicros(); }

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow
