// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/platform_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Lines = std::vector<std::string>;

/// Sends one version of each of its models, and writes down what it is told.
class FakeSource final : public tfs::ModelSource {
 public:
  FakeSource(std::string name, Lines& told) : name_(std::move(name)), told_(told) {}
  ~FakeSource() override { told_.push_back(name_ + " dies"); }

  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override {
    callback_ = std::move(callback);
    for (const std::string& model : models_) Send(model);
  }
  absl::Status UpdateModels(const tfs::ModelConfigList& models) override {
    std::set<std::string> names;
    for (const tfs::ModelConfig& model : models.config()) {
      if (model.base_path() == "bad") return absl::InvalidArgumentError(name_ + " refuses");
      names.insert(model.name());
    }
    for (const std::string& model : models_) {
      if (names.count(model) == 0 && callback_ != nullptr) callback_(model, {});
    }
    const std::set<std::string> before = std::exchange(models_, names);
    for (const std::string& model : models_) {
      if (before.count(model) == 0) Send(model);
    }
    return absl::OkStatus();
  }

 private:
  void Send(const std::string& model) {
    if (callback_ == nullptr) return;
    callback_(model, {tfs::CreateServableData<tfs::StoragePath>({model, 1}, name_)});
  }

  const std::string name_;
  Lines& told_;
  AspiredVersionsCallback callback_;
  std::set<std::string> models_;
};

class PlatformSourcesTest : public ::testing::Test {
 protected:
  PlatformSourcesTest() {
    sources_ =
        std::make_unique<PlatformSources>(std::make_unique<FakeSource>("common", lines_),
                                          std::map<std::string, PlatformSources::CreateSource>{
                                              {"table", [this] { return MakeTableSource(); }}});
  }
  ~PlatformSourcesTest() override { sources_.reset(); }

  absl::StatusOr<std::unique_ptr<tfs::ModelSource>> MakeTableSource() {
    ++made_;
    if (!creation_.ok()) return creation_;
    return std::make_unique<FakeSource>("tables", lines_);
  }
  void Connect() {
    sources_->SetAspiredVersionsCallback([this](const absl::string_view name, auto versions) {
      std::string line = absl::StrCat(name, ":");
      for (const auto& version : versions) absl::StrAppend(&line, " ", version.DataOrDie());
      lines_.push_back(line);
    });
  }
  /// By name, platform and base path.
  absl::Status Update(const std::vector<std::vector<std::string>>& models) {
    tfs::ModelConfigList list;
    for (const std::vector<std::string>& fields : models) {
      tfs::ModelConfig* const model = list.add_config();
      model->set_name(fields[0]);
      model->set_model_platform(fields[1]);
      if (fields.size() > 2) model->set_base_path(fields[2]);
    }
    return sources_->UpdateModels(list);
  }
  Lines Take() { return std::exchange(lines_, {}); }

  Lines lines_;
  absl::Status creation_;
  int made_ = 0;
  std::unique_ptr<PlatformSources> sources_;
};

TEST_F(PlatformSourcesTest, EachModelComesFromTheSourceOfItsPlatform) {
  ASSERT_TRUE(Update({{"a", "tensorflow"}, {"t", "table"}}).ok());
  EXPECT_THAT(Take(), IsEmpty());
  Connect();
  EXPECT_THAT(Take(), ElementsAre("a: common", "t: tables"));
}

TEST_F(PlatformSourcesTest, ASourceIsMadeWhenItsFirstModelComes) {
  Connect();
  ASSERT_TRUE(Update({{"a", "tensorflow"}}).ok());
  EXPECT_EQ(made_, 0);
  ASSERT_TRUE(Update({{"a", "tensorflow"}, {"t", "table"}}).ok());
  ASSERT_TRUE(Update({{"a", "tensorflow"}}).ok());
  ASSERT_TRUE(Update({{"u", "table"}}).ok());
  EXPECT_EQ(made_, 1);
  EXPECT_THAT(Take(), ElementsAre("a: common", "t: tables", "t:", "a:", "u: tables"));
}

TEST_F(PlatformSourcesTest, AModelThatChangesItsSourceLeavesTheOldOneFirst) {
  Connect();
  ASSERT_TRUE(Update({{"m", "table"}, {"n", "table"}}).ok());
  Take();
  ASSERT_TRUE(Update({{"m", "tensorflow"}, {"n", "table"}}).ok());
  EXPECT_THAT(Take(), ElementsAre("m:", "m: common"));
  ASSERT_TRUE(Update({{"m", "table"}, {"n", "table"}}).ok());
  EXPECT_THAT(Take(), ElementsAre("m:", "m: tables"));
}

TEST_F(PlatformSourcesTest, AListThatOneSourceRefusesChangesNothing) {
  Connect();
  ASSERT_TRUE(Update({{"a", "tensorflow"}, {"t", "table"}}).ok());
  Take();
  EXPECT_EQ(Update({{"b", "tensorflow", "bad"}}), absl::InvalidArgumentError("common refuses"));
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_EQ(Update({{"a", "tensorflow"}, {"b", "tensorflow"}, {"t", "table", "bad"}}),
            absl::InvalidArgumentError("tables refuses"));
  EXPECT_THAT(Take(), ElementsAre("b: common", "b:"));
}

TEST_F(PlatformSourcesTest, ASourceThatCannotBeMadeIsNamed) {
  creation_ = absl::UnavailableError("no index");
  EXPECT_EQ(Update({{"t", "table"}}), absl::UnavailableError("Source of platform table: no index"));
  creation_ = absl::OkStatus();
  EXPECT_TRUE(Update({{"t", "table"}}).ok());
}

}  // namespace
}  // namespace tfserving_remote
