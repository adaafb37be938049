// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/grpc_request_head.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

constexpr uint64_t kFieldOverhead = 32;

}  // namespace

void GrpcRequestHead::Add(absl::string_view name, absl::string_view value) {
  seen_bytes_ += name.size() + value.size() + kFieldOverhead;
  if (seen_bytes_ > max_metadata_bytes_) return;
  if (name == ":path") {
    path_ = std::string(value);
  } else if (name == ":method") {
    is_post_ = value == "POST";
  } else if (name == "content-type") {
    content_type_ = std::string(value);
  } else if (name == "grpc-timeout") {
    timeout_ = std::string(value);
  } else if (name == "grpc-encoding") {
    encoding_ = std::string(value);
  } else if (name.empty() || name[0] == ':' || name == "te") {
    return;
  } else if (!absl::EndsWith(name, "-bin")) {
    metadata_.push_back({std::string(name), std::string(value)});
  } else if (auto decoded = DecodeBinaryMetadata(value)) {
    metadata_.push_back({std::string(name), *std::move(decoded)});
  } else {
    malformed_binary_ = true;
  }
}

GrpcRequestHead::Verdict GrpcRequestHead::Judge() const {
  if (seen_bytes_ > max_metadata_bytes_) {
    return {200,
            absl::ResourceExhaustedError(
                absl::StrCat("the call's metadata is longer than ", max_metadata_bytes_, " bytes")),
            false};
  }
  if (!is_post_) return {405, absl::InternalError("gRPC calls are POST requests"), false};
  if (!IsGrpcContentType(content_type_)) {
    return {415, absl::InternalError("the content-type of a gRPC call is application/grpc"), false};
  }
  if (!timeout_.empty() && !ParseGrpcTimeout(timeout_).has_value()) {
    return {200, absl::InternalError("malformed grpc-timeout"), false};
  }
  if (malformed_binary_) return {200, absl::InternalError("malformed binary metadata"), false};
  if (!ParseGrpcEncoding(encoding_).has_value()) {
    return {200,
            absl::UnimplementedError(
                absl::StrCat("message encoding \"", encoding_, "\" is not supported")),
            true};
  }
  return {};
}

GrpcEncoding GrpcRequestHead::encoding() const {
  return ParseGrpcEncoding(encoding_).value_or(GrpcEncoding::kIdentity);
}

absl::Duration GrpcRequestHead::timeout() const {
  if (timeout_.empty()) return absl::InfiniteDuration();
  return ParseGrpcTimeout(timeout_).value_or(absl::InfiniteDuration());
}

absl::string_view GrpcRequestHead::metadata(absl::string_view key) const {
  for (const Field& field : metadata_) {
    if (field.name == key) return field.value;
  }
  return {};
}

}  // namespace tfserving_remote
