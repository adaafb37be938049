// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/test_util/fake_loader.h"

namespace tensorflow {
namespace serving {
namespace test_util {

FakeLoader::FakeLoader(int64_t servable, const absl::Status load_status)
    : servable_(servable), load_status_(load_status) {}

absl::Status FakeLoader::Load() { return load_status_; }

void FakeLoader::Unload() {}

AnyPtr FakeLoader::servable() { return &servable_; }

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow
