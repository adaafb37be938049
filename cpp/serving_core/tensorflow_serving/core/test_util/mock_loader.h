// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_MOCK_LOADER_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_MOCK_LOADER_H_

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "tensorflow_serving/core/loader.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// Unless told otherwise, LoadWithMetadata calls Load, as that of Loader does.
class MockLoader : public Loader {
 public:
  MockLoader() {
    ON_CALL(*this, LoadWithMetadata).WillByDefault([this](const Metadata&) { return Load(); });
  }
  ~MockLoader() override = default;

  MOCK_METHOD(absl::Status, EstimateResources, (ResourceAllocation * estimate), (const, override));
  MOCK_METHOD(absl::Status, Load, (), (override));
  MOCK_METHOD(absl::Status, LoadWithMetadata, (const Metadata& metadata), (override));
  MOCK_METHOD(void, Unload, (), (override));
  MOCK_METHOD(AnyPtr, servable, (), (override));
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_MOCK_LOADER_H_
