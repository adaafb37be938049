// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_TEST_UTIL_FAKE_LOADER_SOURCE_ADAPTER_H_
#define TENSORFLOW_SERVING_CORE_TEST_UTIL_FAKE_LOADER_SOURCE_ADAPTER_H_

#include <functional>
#include <string>

#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/core/storage_path.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// Turns a path into a loader whose servable is a std::string: the path, or `path/suffix` with a
// suffix. Calls `call_on_destruct` with the suffix when it dies.
class FakeLoaderSourceAdapter final : public SimpleLoaderSourceAdapter<StoragePath, std::string> {
 public:
  explicit FakeLoaderSourceAdapter(const std::string& suffix = "",
                                   std::function<void(const std::string&)> call_on_destruct = {});
  ~FakeLoaderSourceAdapter() override;

 private:
  const std::string suffix_;
  const std::function<void(const std::string&)> call_on_destruct_;
};

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_TEST_UTIL_FAKE_LOADER_SOURCE_ADAPTER_H_
