// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/plugin/remote_model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow_serving/core/availability_preserving_policy.h"
#include "tensorflow_serving/model_servers/server_core.h"
#include "tfserving_remote/plugin/remote_model_config.pb.h"
#include "tfserving_remote/testing/recording_log.h"
#include "tfserving_remote/testing/test_signer.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using ::testing::HasSubstr;
using tfs::ServableState;

google::protobuf::Any Packed(const std::string& text) {
  RemoteModelsConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  google::protobuf::Any any;
  any.PackFrom(config);
  return any;
}

std::string HalfPlusTwo(const std::string& fields = "model_platform: 'tensorflow'") {
  return absl::StrCat("config { name: 'm' base_path: '", TFSR_TEST_MODELS, "/half_plus_two' ",
                      fields, " }");
}

class RemoteModelConfigTest : public ::testing::Test {
 protected:
  absl::Status Load(const google::protobuf::Any& any) {
    return CreateRemoteModelConfigLoader(log_)(any, bus_.get(), &manager_);
  }
  void ExpectRefused(const std::string& text, const std::string& why) {
    const absl::Status status = Load(Packed(text));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
    EXPECT_EQ(manager_.get(), nullptr);
  }

  RecordingLog log_;
  const std::shared_ptr<tfs::EventBus<ServableState>> bus_ =
      tfs::EventBus<ServableState>::CreateEventBus();
  tfs::ServableStateMonitor monitor_{bus_.get()};
  tfs::UniquePtrWithDeps<tfs::AspiredVersionsManager> manager_;
};

TEST_F(RemoteModelConfigTest, ServesModelsThroughAServerCoreThatKnowsNothingOfStores) {
  tfs::ServerCore::Options options;
  options.aspired_version_policy = std::make_unique<tfs::AvailabilityPreservingPolicy>();
  options.custom_model_config_loader = CreateRemoteModelConfigLoader(log_);
  *options.model_server_config.mutable_custom_model_config() =
      Packed(absl::StrCat("model_config_list { ", HalfPlusTwo(), " }"));
  std::unique_ptr<tfs::ServerCore> core;
  const absl::Status created = tfs::ServerCore::Create(std::move(options), &core);
  ASSERT_TRUE(created.ok()) << created;
  ASSERT_TRUE(core->servable_state_monitor()->WaitUntilServablesReachState(
      {tfs::ServableRequest::Latest("m")}, ServableState::ManagerState::kAvailable));

  tfs::ModelSpec spec;
  spec.set_name("m");
  tfs::ServableHandle<tensorflow::SavedModelBundle> handle;
  const absl::Status found = core->GetServableHandle(spec, &handle);
  ASSERT_TRUE(found.ok()) << found;
  EXPECT_EQ(handle.id().version, 1);
  EXPECT_EQ(handle->GetSignatures().count("serving_default"), 1u);
}

TEST_F(RemoteModelConfigTest, WhatItBuildsDiesWithTheManager) {
  ASSERT_TRUE(Load(Packed(absl::StrCat("model_config_list { ", HalfPlusTwo(), " }"))).ok());
  ASSERT_TRUE(monitor_.WaitUntilServablesReachState({tfs::ServableRequest::Specific("m", 1)},
                                                    ServableState::ManagerState::kAvailable));
  manager_ = {};
  // Nothing polls any more and nothing is held: the bus hears no more of it.
  EXPECT_EQ(monitor_.GetState({"m", 1})->manager_state, ServableState::ManagerState::kAvailable);
}

TEST_F(RemoteModelConfigTest, TagsAndManifestsAreThoseOfTheConfiguration) {
  ASSERT_TRUE(Load(Packed(absl::StrCat("saved_model_tags: 'gpu' poll_wait_seconds: 0 ",
                                       "manifest: IGNORED transition: RESOURCE_PRESERVING ",
                                       "model_config_list { ", HalfPlusTwo(), " }")))
                  .ok());
  EXPECT_FALSE(monitor_.WaitUntilServablesReachState({tfs::ServableRequest::Specific("m", 1)},
                                                     ServableState::ManagerState::kAvailable));
  EXPECT_THAT(std::string(monitor_.GetState({"m", 1})->health.message()), HasSubstr("gpu"));
}

TEST_F(RemoteModelConfigTest, WithTrustedKeysUnsignedVersionsAreRefused) {
  const std::string key = absl::StrCat(::testing::TempDir(), "/trusted.pub");
  std::ofstream(key) << TestSigner().PublicPem();
  ASSERT_TRUE(Load(Packed(absl::StrCat("trusted_key_files: '", key, "' poll_wait_seconds: 0 ",
                                       "model_config_list { ", HalfPlusTwo(), " }")))
                  .ok());
  EXPECT_FALSE(monitor_.WaitUntilServablesReachState({tfs::ServableRequest::Specific("m", 1)},
                                                     ServableState::ManagerState::kAvailable));
  EXPECT_THAT(std::string(monitor_.GetState({"m", 1})->health.message()),
              HasSubstr("1.manifest.json: there is no manifest, and only versions that a trusted"));
}

TEST_F(RemoteModelConfigTest, RefusesWhatItCannotServe) {
  ExpectRefused(absl::StrCat("model_config_list { ", HalfPlusTwo("model_platform: 'torch'"), " }"),
                "Model m requests unsupported platform \"torch\"");
  ExpectRefused(
      absl::StrCat("model_config_list { ",
                   HalfPlusTwo("model_platform: 'tensorflow' version_labels { key: 'a' value: 1 }"),
                   " }"),
      "version_labels");
  ExpectRefused("model_config_list { config { name: 'm' model_platform: 'tensorflow' } }",
                "servable m");
  ExpectRefused("connections: -1", "connections");
  ExpectRefused("poll_wait_seconds: -1", "poll_wait_seconds");
  ExpectRefused("verify: 'MD5'", "CRC32C or SHA256");
  ExpectRefused("max_bytes_in_flight: 7", "max_bytes_in_flight is 0 or at least 1048576");
}

TEST_F(RemoteModelConfigTest, RefusesOtherMessages) {
  google::protobuf::Any any;
  any.PackFrom(tfs::ModelConfigList());
  const absl::Status status = Load(any);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tensorflow.serving.ModelConfigList"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tfserving_remote.RemoteModelsConfig"));
}

}  // namespace
}  // namespace tfserving_remote
