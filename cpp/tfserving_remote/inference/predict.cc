// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/inference/predict.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tensorflow_serving/servables/servable.h"
#include "tfserving_remote/inference/signature_names.h"

namespace tfserving_remote {
namespace {

namespace tfs = ::tensorflow::serving;
using tensorflow::SignatureDef;
using tensorflow::Tensor;

std::string Braced(const std::set<std::string>& names) {
  return absl::StrCat("{", absl::StrJoin(names, ","), "}");
}

template <typename ProtoMap>
std::set<std::string> Keys(const ProtoMap& map) {
  std::set<std::string> keys;
  for (const auto& entry : map) keys.insert(entry.first);
  return keys;
}

std::set<std::string> Without(const std::set<std::string>& from,
                              const std::set<std::string>& what) {
  std::set<std::string> rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

absl::Status CheckMethodName(const SignatureDef& signature) {
  for (const char* name : {kPredictMethodName, kClassifyMethodName, kRegressMethodName}) {
    if (signature.method_name() == name) return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat(
      "Expected prediction signature method_name to be one of {", kPredictMethodName, ", ",
      kClassifyMethodName, ", ", kRegressMethodName, "}. Was: ", signature.method_name()));
}

absl::Status CheckInputCount(const SignatureDef& signature, const tfs::PredictRequest& request) {
  const auto sent = request.inputs().size();
  const auto expected = signature.inputs().size();
  if (sent == expected || (sent < expected && !signature.defaults().empty())) {
    return absl::OkStatus();
  }
  const std::set<std::string> sent_names = Keys(request.inputs());
  const std::set<std::string> names = Keys(signature.inputs());
  return absl::InvalidArgumentError(absl::StrCat(
      "input size does not match signature: ", sent, "!=", expected, " len(", Braced(sent_names),
      ") != len(", Braced(names), "). Sent extra: ", Braced(Without(sent_names, names)),
      ". Missing but required: ",
      Braced(Without(Without(names, sent_names), Keys(signature.defaults()))), "."));
}

absl::Status MissingInput(const SignatureDef& signature, const PreparedSignature::Endpoint& input) {
  const std::set<std::string> defaults = Keys(signature.defaults());
  return absl::InvalidArgumentError(absl::StrCat(
      "Signature input alias: ", input.alias, "(feed name: ", input.tensor,
      ") not found in request and no default value provided. Inputs expected to be in the request ",
      Braced(Without(Keys(signature.inputs()), defaults)),
      ", or default input alias set: ", Braced(defaults)));
}

absl::Status UnknownInput(const SignatureDef& signature, const tfs::PredictRequest& request) {
  const std::set<std::string> sent = Keys(request.inputs());
  const std::set<std::string> unknown = Without(sent, Keys(signature.inputs()));
  return absl::InvalidArgumentError(absl::StrCat(
      "Inputs contains invalid name. Used request inputs: ", Braced(Without(sent, unknown)),
      ", request input: ", Braced(sent)));
}

// One tensor for each input of the signature, in its order.
absl::StatusOr<std::vector<Tensor>> DecodeInputs(const PreparedSignature& signature,
                                                 const tfs::PredictRequest& request) {
  std::vector<Tensor> feeds(signature.inputs().size());
  size_t used = 0;
  for (size_t i = 0; i < feeds.size(); ++i) {
    const PreparedSignature::Endpoint& input = signature.inputs()[i];
    const tensorflow::TensorProto* proto = nullptr;
    if (const auto sent = request.inputs().find(input.alias); sent != request.inputs().end()) {
      proto = &sent->second;
      ++used;
    } else if (const auto preset = signature.def().defaults().find(input.alias);
               preset != signature.def().defaults().end()) {
      proto = &preset->second;
    } else {
      return MissingInput(signature.def(), input);
    }
    if (absl::Status status = DecodeTensor(*proto, &feeds[i]); !status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor parsing error: ", input.alias, ": ", status.message()));
    }
  }
  if (used != request.inputs().size()) return UnknownInput(signature.def(), request);
  return feeds;
}

// Positions in signature.outputs(), ascending.
absl::StatusOr<std::vector<int>> SelectOutputs(const PreparedSignature& signature,
                                               const tfs::PredictRequest& request) {
  const std::vector<PreparedSignature::Endpoint>& outputs = signature.outputs();
  std::set<int> wanted;
  for (const std::string& alias : request.output_filter()) {
    const auto found =
        std::lower_bound(outputs.begin(), outputs.end(), alias,
                         [](const PreparedSignature::Endpoint& output, const std::string& name) {
                           return output.alias < name;
                         });
    if (found == outputs.end() || found->alias != alias) {
      return absl::InvalidArgumentError(absl::StrCat(
          "output tensor alias not found in signature: ", alias,
          " Outputs expected to be in the set ", Braced(Keys(signature.def().outputs())), "."));
    }
    if (!wanted.insert(static_cast<int>(found - outputs.begin())).second) {
      return absl::InvalidArgumentError(absl::StrCat("duplicate output tensor alias: ", alias));
    }
  }
  if (request.output_filter().empty()) {
    for (size_t i = 0; i < outputs.size(); ++i) wanted.insert(static_cast<int>(i));
  }
  return std::vector<int>(wanted.begin(), wanted.end());
}

}  // namespace

absl::Status Predictor::Predict(const tfs::PredictRequest& request, absl::Time deadline,
                                tfs::PredictResponse* response) const {
  if (!request.has_model_spec()) return absl::InvalidArgumentError("Missing ModelSpec");
  ModelHandle handle;
  const absl::Status status = core_.GetServableHandle(request.model_spec(), &handle);
  if (status.ok()) return AskSavedModel(handle, request, deadline, response);
  // A model of another type, or a request that is wrong whatever the type.
  if (absl::IsInvalidArgument(status)) return AskServable(request, deadline, response);
  return status;
}

absl::Status Predictor::AskSavedModel(const ModelHandle& handle, const tfs::PredictRequest& request,
                                      absl::Time deadline, tfs::PredictResponse* response) const {
  const std::string& asked = request.model_spec().signature_name();
  const std::string name = asked.empty() ? kDefaultSignatureName : asked;
  const std::shared_ptr<const PreparedModel> model = models_.Find(handle);
  const PreparedSignature* const signature = model->Find(name);
  if (signature == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("Serving signature key \"", name, "\" not found."));
  }
  if (options_.check_method_name) {
    if (absl::Status status = CheckMethodName(signature->def()); !status.ok()) return status;
  }
  tfs::ModelSpec* const spec = response->mutable_model_spec();
  spec->set_name(request.model_spec().name());
  spec->set_signature_name(name);
  spec->mutable_version()->set_value(handle.id().version);
  return Run(*signature, request, deadline, response);
}

absl::Status Predictor::AskServable(const tfs::PredictRequest& request, absl::Time deadline,
                                    tfs::PredictResponse* response) const {
  tfs::ServableHandle<tfs::Servable> handle;
  absl::Status status = core_.GetServableHandle(request.model_spec(), &handle);
  if (!status.ok()) return status;
  if (deadline <= clock_.Now()) {
    return absl::DeadlineExceededError("The deadline passed before the model could run.");
  }
  status = handle->Predict({deadline}, request, response);
  if (!status.ok()) return status;
  tfs::ModelSpec* const spec = response->mutable_model_spec();
  spec->set_name(request.model_spec().name());
  spec->set_signature_name(request.model_spec().signature_name());
  spec->mutable_version()->set_value(handle.id().version);
  return absl::OkStatus();
}

absl::Status Predictor::Run(const PreparedSignature& signature, const tfs::PredictRequest& request,
                            absl::Time deadline, tfs::PredictResponse* response) const {
  if (absl::Status status = CheckInputCount(signature.def(), request); !status.ok()) return status;
  absl::StatusOr<std::vector<Tensor>> feeds = DecodeInputs(signature, request);
  if (!feeds.ok()) return feeds.status();
  absl::StatusOr<std::vector<int>> wanted = SelectOutputs(signature, request);
  if (!wanted.ok()) return wanted.status();

  std::optional<absl::Duration> timeout;
  if (deadline != absl::InfiniteFuture()) {
    timeout = deadline - clock_.Now();
    if (*timeout <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError("The deadline passed before the model could run.");
    }
  }
  std::vector<Tensor> results;
  if (absl::Status status = signature.Run(*feeds, *wanted, timeout, &results); !status.ok()) {
    return status;
  }
  if (results.size() != wanted->size()) return absl::UnknownError("Predict internal error");
  for (size_t i = 0; i < results.size(); ++i) {
    EncodeTensor(results[i], options_.encoding,
                 &(*response->mutable_outputs())[signature.outputs()[(*wanted)[i]].alias]);
  }
  return absl::OkStatus();
}

}  // namespace tfserving_remote
