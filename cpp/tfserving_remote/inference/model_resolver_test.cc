// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/model_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tfserving_remote/inference/graph_bundle_for_tests.h"

namespace tfserving_remote {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ModelResolverTest : public ::testing::Test {
 protected:
  static tensorflow::serving::ModelSpec Spec(const std::string& name) {
    tensorflow::serving::ModelSpec spec;
    spec.set_name(name);
    return spec;
  }
  static tensorflow::serving::ModelSpec Labelled(const std::string& name,
                                                 const std::string& label) {
    tensorflow::serving::ModelSpec spec = Spec(name);
    spec.set_version_label(label);
    return spec;
  }
  static tensorflow::serving::ModelSpec Numbered(const std::string& name, int64_t version) {
    tensorflow::serving::ModelSpec spec = Spec(name);
    spec.mutable_version()->set_value(version);
    return spec;
  }
  void Serve(int64_t version) { manager_.Put("m", version, bundle_); }
  int64_t VersionOf(const tensorflow::serving::ModelSpec& spec) {
    absl::StatusOr<ModelHandle> handle = resolver_.Resolve(spec);
    return handle.ok() ? handle->id().version : -1;
  }

  const std::shared_ptr<tensorflow::SavedModelBundle> bundle_ =
      std::make_shared<tensorflow::SavedModelBundle>();
  BundleManager manager_;
  ModelResolver resolver_{&manager_};
};

TEST_F(ModelResolverTest, TakesTheNewestVersionUnlessAskedOtherwise) {
  Serve(3);
  Serve(4);
  EXPECT_EQ(VersionOf(Spec("m")), 4);
  EXPECT_EQ(VersionOf(Numbered("m", 3)), 3);
}

TEST_F(ModelResolverTest, RefusesASpecWithoutAName) {
  const absl::Status status = resolver_.Resolve({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "ModelSpec has no name specified.");
}

TEST_F(ModelResolverTest, SaysWhichVersionsAreServedInstead) {
  Serve(3);
  Serve(4);
  const absl::Status status = resolver_.Resolve(Numbered("m", 7)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "Servable not found for request: Specific(m, 7); versions served: 3, 4");
  EXPECT_THAT(std::string(resolver_.Resolve(Spec("other")).status().message()),
              StartsWith("Servable not found for request: Latest(other); versions served: none"));
}

TEST_F(ModelResolverTest, VersionZeroIsAVersionAndNotTheLatest) {
  Serve(0);
  Serve(1);
  EXPECT_EQ(VersionOf(Numbered("m", 0)), 0);
}

TEST_F(ModelResolverTest, ResolvesLabelsOnceTheyAreConfigured) {
  Serve(3);
  const absl::Status early = resolver_.Resolve(Labelled("m", "stable")).status();
  EXPECT_EQ(early.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(early.message(), "Model labels does not init yet.stable");

  resolver_.SetLabels({{"m", {{"stable", 3}}}});
  EXPECT_EQ(VersionOf(Labelled("m", "stable")), 3);
  for (const auto& spec : {Labelled("m", "canary"), Labelled("other", "canary")}) {
    const absl::Status status = resolver_.Resolve(spec).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "Unrecognized servable version label: canary");
  }
}

TEST_F(ModelResolverTest, ALabelStaysOnItsVersionUntilTheNextIsAvailable) {
  Serve(3);
  resolver_.SetLabels({{"m", {{"stable", 3}}}});
  resolver_.SetLabels({{"m", {{"stable", 4}}}});
  EXPECT_EQ(VersionOf(Labelled("m", "stable")), 3);

  Serve(4);
  resolver_.VersionAvailable("m", 4);
  EXPECT_EQ(VersionOf(Labelled("m", "stable")), 4);

  manager_.Remove("m", 4);  // For good: it does not fall back.
  EXPECT_THAT(std::string(resolver_.Resolve(Labelled("m", "stable")).status().message()),
              HasSubstr("Specific(m, 4)"));
}

TEST_F(ModelResolverTest, ALabelMovesAtOnceToAVersionThatServes) {
  Serve(3);
  Serve(4);
  resolver_.SetLabels({{"m", {{"stable", 3}}}});
  resolver_.SetLabels({{"m", {{"stable", 4}}}});
  EXPECT_EQ(VersionOf(Labelled("m", "stable")), 4);
}

TEST_F(ModelResolverTest, ANewLabelOfAVersionThatLoadsIsNotFoundRatherThanUnknown) {
  resolver_.SetLabels({{"m", {{"canary", 5}}}});
  const absl::Status status = resolver_.Resolve(Labelled("m", "canary")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Specific(m, 5)"));
}

}  // namespace
}  // namespace tfserving_remote
