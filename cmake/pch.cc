// SPDX-License-Identifier: Apache-2.0
// Carries the precompiled TensorFlow headers; has no code of its own.
namespace tfserving_remote {
extern const int kTensorflowHeadersArePrecompiled;
const int kTensorflowHeadersArePrecompiled = 1;
}  // namespace tfserving_remote
