// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_MOCK_STORAGE_PATH_TARGET_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_MOCK_STORAGE_PATH_TARGET_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/core/target.h"

namespace tensorflow {
namespace serving {
namespace test_util {

class MockStoragePathTarget : public TargetBase<StoragePath> {
 public:
  ~MockStoragePathTarget() override { Detach(); }

  MOCK_METHOD(void, SetAspiredVersions,
              (const absl::string_view servable_name,
               std::vector<ServableData<StoragePath>> versions),
              (override));
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_MOCK_STORAGE_PATH_TARGET_H_
