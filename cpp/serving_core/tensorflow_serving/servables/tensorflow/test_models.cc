// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/tensorflow/test_models.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"

namespace tensorflow {
namespace serving {
namespace test_util {

std::string TestModelFolder(const std::string& name) {
  return absl::StrCat(TFSR_TEST_MODELS, "/", name, "/1");
}

std::string FreshFolder(const std::string& root) {
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string folder = io::JoinPath(root, test->test_suite_name(), test->name());
  int64_t undeleted_files = 0, undeleted_folders = 0;
  Env::Default()->DeleteRecursively(folder, &undeleted_files, &undeleted_folders).IgnoreError();
  EXPECT_TRUE(Env::Default()->RecursivelyCreateDir(folder).ok());
  return folder;
}

std::string CopyHalfPlusTwo(const std::string& root) {
  const std::string copy = FreshFolder(root);
  const std::filesystem::path folder = TestModelFolder("half_plus_two");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::string bytes;
    EXPECT_TRUE(ReadFileToString(Env::Default(), entry.path().string(), &bytes).ok());
    AddFile(copy, entry.path().lexically_relative(folder).generic_string(), bytes);
  }
  return copy;
}

std::string FreshFolder() { return FreshFolder(TFSR_TEST_SCRATCH); }

std::string CopyHalfPlusTwo() { return CopyHalfPlusTwo(TFSR_TEST_SCRATCH); }

void AddFile(const std::string& folder, const std::string& name, const std::string& bytes) {
  const std::string path = io::JoinPath(folder, name);
  EXPECT_TRUE(Env::Default()->RecursivelyCreateDir(std::string(io::Dirname(path))).ok());
  EXPECT_TRUE(WriteStringToFile(Env::Default(), path, bytes).ok());
}

uint64_t BytesBelow(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

absl::StatusOr<float> AskHalfPlusTwo(const SavedModelBundle& bundle, Session& session) {
  const SignatureDef& signature = bundle.GetSignatures().at("serving_default");
  Tensor x(DT_FLOAT, {1, 1});
  x.flat<float>()(0) = 10;
  std::vector<Tensor> y;
  const absl::Status ran = session.Run({{signature.inputs().at("x").name(), x}},
                                       {signature.outputs().at("y").name()}, {}, &y);
  if (!ran.ok()) return ran;
  return y.at(0).flat<float>()(0);
}

absl::StatusOr<float> AskHalfPlusTwo(const SavedModelBundle& bundle) {
  return AskHalfPlusTwo(bundle, *bundle.GetSession());
}

}  // namespace test_util
}  // namespace serving
}  // namespace tensorflow
