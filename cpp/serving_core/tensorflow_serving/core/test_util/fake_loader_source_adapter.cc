// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/test_util/fake_loader_source_adapter.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tensorflow {
namespace serving {
namespace test_util {

FakeLoaderSourceAdapter::FakeLoaderSourceAdapter(
    const std::string& suffix, std::function<void(const std::string&)> call_on_destruct)
    : SimpleLoaderSourceAdapter(
          [suffix](const StoragePath& path, std::unique_ptr<std::string>* servable) {
            *servable = std::make_unique<std::string>(
                suffix.empty() ? path : absl::StrCat(path, "/", suffix));
            return absl::OkStatus();
          },
          EstimateNoResources()),
      suffix_(suffix),
      call_on_destruct_(std::move(call_on_destruct)) {}

FakeLoaderSourceAdapter::~FakeLoaderSourceAdapter() {
  Detach();
  if (call_on_destruct_) call_on_destruct_(suffix_);
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow
