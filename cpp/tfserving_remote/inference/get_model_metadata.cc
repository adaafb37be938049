// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/get_model_metadata.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
constexpr char kSignatureField[] = "signature_def";

absl::Status CheckRequest(const tfs::GetModelMetadataRequest& request) {
  if (!request.has_model_spec()) return absl::InvalidArgumentError("Missing ModelSpec");
  if (request.metadata_field().empty()) {
    return absl::InvalidArgumentError(
        "GetModelMetadataRequest must specify at least one metadata_field");
  }
  for (const std::string& field : request.metadata_field()) {
    if (field == kSignatureField) continue;
    return absl::InvalidArgumentError(absl::StrCat("Metadata field ", field, " is not supported"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status GetModelMetadata(const ModelResolver& resolver,
                              const tfs::GetModelMetadataRequest& request,
                              tfs::GetModelMetadataResponse* response) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  absl::StatusOr<ModelHandle> handle = resolver.Resolve(request.model_spec());
  if (!handle.ok()) return handle.status();

  tfs::SignatureDefMap signatures;
  *signatures.mutable_signature_def() = (*handle)->GetSignatures();
  response->mutable_model_spec()->set_name(handle->id().name);
  response->mutable_model_spec()->mutable_version()->set_value(handle->id().version);
  (*response->mutable_metadata())[kSignatureField].PackFrom(signatures);
  return absl::OkStatus();
}

}  // namespace tfserving_remote
