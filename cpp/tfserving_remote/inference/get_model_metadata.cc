// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/get_model_metadata.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "tensorflow_serving/servables/servable.h"
#include "tfserving_remote/inference/prepared_models.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
constexpr char kSignatureField[] = "signature_def";

// Empty when there is none.
std::string UnsupportedField(const tfs::GetModelMetadataRequest& request) {
  for (const std::string& field : request.metadata_field()) {
    if (field != kSignatureField) return field;
  }
  return "";
}

void FillModelSpec(const tfs::ServableId& id, tfs::ModelSpec* spec) {
  spec->set_name(id.name);
  spec->mutable_version()->set_value(id.version);
}

bool IsServable(tfs::ServerCore& core, const tfs::ModelSpec& spec) {
  tfs::ServableHandle<tfs::Servable> handle;
  return core.GetServableHandle(spec, &handle).ok();
}

absl::Status AskServable(tfs::ServerCore& core, const tfs::GetModelMetadataRequest& request,
                         tfs::GetModelMetadataResponse* response) {
  tfs::ServableHandle<tfs::Servable> handle;
  absl::Status status = core.GetServableHandle(request.model_spec(), &handle);
  if (!status.ok()) return status;
  if (status = handle->GetModelMetadata(request, response); !status.ok()) return status;
  FillModelSpec(handle.id(), response->mutable_model_spec());
  return absl::OkStatus();
}

}  // namespace

absl::Status GetModelMetadata(tfs::ServerCore& core, const tfs::GetModelMetadataRequest& request,
                              tfs::GetModelMetadataResponse* response) {
  if (!request.has_model_spec()) return absl::InvalidArgumentError("Missing ModelSpec");
  if (request.metadata_field().empty()) {
    return absl::InvalidArgumentError(
        "GetModelMetadataRequest must specify at least one metadata_field");
  }
  if (const std::string field = UnsupportedField(request); !field.empty()) {
    // Only a model that is no SavedModel may know such a field.
    if (IsServable(core, request.model_spec())) return AskServable(core, request, response);
    return absl::InvalidArgumentError(absl::StrCat("Metadata field ", field, " is not supported"));
  }
  ModelHandle handle;
  const absl::Status status = core.GetServableHandle(request.model_spec(), &handle);
  // A model of another type, or a request that is wrong whatever the type.
  if (absl::IsInvalidArgument(status)) return AskServable(core, request, response);
  if (!status.ok()) return status;

  tfs::SignatureDefMap signatures;
  *signatures.mutable_signature_def() = handle->GetSignatures();
  FillModelSpec(handle.id(), response->mutable_model_spec());
  (*response->mutable_metadata())[kSignatureField].PackFrom(signatures);
  return absl::OkStatus();
}

}  // namespace tfserving_remote
