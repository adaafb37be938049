// SPDX-License-Identifier: Apache-2.0
// SavedModels for the tests of this room.
#ifndef TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_TEST_MODELS_H_
#define TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_TEST_MODELS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tensorflow/cc/saved_model/loader.h"

namespace tensorflow {
namespace serving {
namespace test_util {

// The folder of version 1 of a model of testing/make_test_models.py.
std::string TestModelFolder(const std::string& name);

// An empty folder for the running test alone, below `root`: by default one of this build,
// or `ram://`.
std::string FreshFolder(const std::string& root);
std::string FreshFolder();

// Such a folder with a copy of half_plus_two.
std::string CopyHalfPlusTwo(const std::string& root);
std::string CopyHalfPlusTwo();

// Writes `bytes` to the file `name` below `folder`, making folders in between.
void AddFile(const std::string& folder, const std::string& name, const std::string& bytes);

// The size of all files below a local folder.
uint64_t BytesBelow(const std::string& folder);

// What half_plus_two answers for x = 10, through `session` or the bundle's own; 7 if all is well.
absl::StatusOr<float> AskHalfPlusTwo(const SavedModelBundle& bundle, Session& session);
absl::StatusOr<float> AskHalfPlusTwo(const SavedModelBundle& bundle);

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_TENSORFLOW_TEST_MODELS_H_
