// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_FAKE_LOADER_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_FAKE_LOADER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "tensorflow_serving/core/loader.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// A loader whose servable is one int64_t.
class FakeLoader : public ResourceUnsafeLoader {
 public:
  explicit FakeLoader(int64_t servable, const absl::Status load_status = absl::OkStatus());
  ~FakeLoader() override = default;

  absl::Status Load() override;
  void Unload() override;
  AnyPtr servable() override;

 private:
  int64_t servable_;
  const absl::Status load_status_;
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_FAKE_LOADER_H_
