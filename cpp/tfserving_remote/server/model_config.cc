// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/model_config.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "tensorflow_serving/model_servers/model_platform_types.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using VersionPolicy = tfs::FileSystemStoragePathSourceConfig::ServableVersionPolicy;

// Keeps the first complaint.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void RecordError(int line, google::protobuf::io::ColumnNumber column,
                   absl::string_view message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status ParseText(absl::string_view text, google::protobuf::Message* message) {
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  if (parser.ParseFromString(text, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "Error parsing text-format ", message->GetDescriptor()->full_name(), ": ", errors.text()));
}

absl::StatusOr<VersionPolicy> SpecificVersions(absl::string_view list) {
  VersionPolicy policy;
  for (const absl::string_view text : absl::StrSplit(list, ',')) {
    int64_t version = 0;
    if (!absl::SimpleAtoi(text, &version) || version < 0) {
      return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no version number"));
    }
    policy.mutable_specific()->add_versions(version);
  }
  return policy;
}

}  // namespace

absl::StatusOr<VersionPolicy> ParseVersionPolicy(absl::string_view text) {
  VersionPolicy policy;
  absl::string_view rest = text;
  if (text == "all") {
    policy.mutable_all();
    return policy;
  }
  if (absl::ConsumePrefix(&rest, "specific:")) return SpecificVersions(rest);
  if (text == "latest") {
    policy.mutable_latest()->set_num_versions(1);
    return policy;
  }
  if (absl::ConsumePrefix(&rest, "latest:")) {
    uint32_t count = 0;
    if (!absl::SimpleAtoi(rest, &count) || count == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("latest:N takes a number from 1 on, not \"", rest, "\""));
    }
    policy.mutable_latest()->set_num_versions(count);
    return policy;
  }
  const absl::Status status = ParseText(text, &policy);
  if (status.ok()) return policy;
  return absl::InvalidArgumentError(
      absl::StrCat("--model_version_policy takes latest:N, all, specific:1,3 or a text "
                   "ServableVersionPolicy; ",
                   status.message()));
}

absl::StatusOr<tfs::ModelServerConfig> ReadModelConfig(const ServerOptions& options) {
  tfs::ModelServerConfig config;
  if (!options.model_config_file.empty()) {
    if (absl::Status status = ReadTextProto(options.model_config_file, &config); !status.ok()) {
      return status;
    }
  } else {
    tfs::ModelConfig* const model = config.mutable_model_config_list()->add_config();
    model->set_name(options.model_name);
    model->set_base_path(options.model_base_path);
    model->set_model_platform(tfs::kTensorFlowModelPlatform);
    if (!options.model_version_policy.empty()) {
      absl::StatusOr<VersionPolicy> policy = ParseVersionPolicy(options.model_version_policy);
      if (!policy.ok()) return policy.status();
      *model->mutable_model_version_policy() = *std::move(policy);
    }
  }
  return config;
}

absl::Status ReadTextProto(const std::string& path, google::protobuf::Message* message) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const absl::Status status = ParseText(text, message);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("Invalid protobuf file: '", path, "': ", status.message()));
}

}  // namespace tfserving_remote
