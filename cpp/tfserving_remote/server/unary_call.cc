// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/server/unary_call.h"

#include <exception>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tfserving_remote {
namespace {

using google::protobuf::Message;

constexpr size_t kMaxMessageBytes = 1024;
constexpr size_t kMaxProtoBytes = std::numeric_limits<int>::max();

absl::Status Parse(absl::string_view bytes, Message* request) {
  if (bytes.size() <= kMaxProtoBytes &&
      request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("Failed to parse the request: ", bytes.size(),
                                          " bytes that are no ",
                                          request->GetDescriptor()->full_name()));
}

absl::Status Serialize(const Message& response, std::string* bytes) {
  const size_t size = response.ByteSizeLong();
  if (size <= kMaxProtoBytes && response.SerializeToString(bytes)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("The answer has ", size, " bytes; protobuf allows ", kMaxProtoBytes,
                   ". Ask for fewer outputs (output_filter) or send a smaller batch."));
}

absl::Status CheckAwaited(const GrpcCall& call, Clock& clock) {
  // The deadline first: a transport may report a call past its deadline as cancelled.
  if (call.deadline() <= clock.Now()) return absl::DeadlineExceededError("Deadline Exceeded");
  if (call.cancelled()) return absl::CancelledError("The client cancelled the call.");
  return absl::OkStatus();
}

}  // namespace

void RunUnaryCall(GrpcCall& call, Clock& clock, Message* request, Message* response,
                  const UntypedUnaryMethod& method) {
  const absl::Status status = CatchExceptions([&] {
    absl::Status begun = BeginUnaryCall(call, clock, request);
    return begun.ok() ? method(*request, call.deadline(), response) : begun;
  });
  FinishUnaryCall(call, clock, status, *response);
}

absl::Status BeginUnaryCall(const GrpcCall& call, Clock& clock, Message* request) {
  if (absl::Status status = CheckAwaited(call, clock); !status.ok()) return status;
  return Parse(call.request(), request);
}

void FinishUnaryCall(GrpcCall& call, Clock& clock, const absl::Status& status,
                     const Message& response) {
  std::string bytes;
  const absl::Status sent = CatchExceptions([&] {
    if (!status.ok()) return status;
    if (absl::Status awaited = CheckAwaited(call, clock); !awaited.ok()) return awaited;
    if (absl::Status written = Serialize(response, &bytes); !written.ok()) return written;
    std::vector<GrpcSlice> message;
    message.push_back(GrpcSlice::Of(std::move(bytes)));
    call.Write(std::move(message), nullptr);
    return absl::OkStatus();
  });
  call.Finish(TruncateMessage(sent));
}

absl::Status CatchExceptions(const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("Not enough memory for this request.");
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("Unexpected error: ", error.what()));
  }
}

absl::Status TruncateMessage(const absl::Status& status) {
  const absl::string_view message = status.message();
  if (message.size() <= kMaxMessageBytes) return status;
  size_t end = kMaxMessageBytes;
  // Not in the middle of a UTF-8 character, of which later bytes are 10xxxxxx.
  while (end > kMaxMessageBytes - 4 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) {
    --end;
  }
  return absl::Status(status.code(), absl::StrCat(message.substr(0, end), "...TRUNCATED"));
}

}  // namespace tfserving_remote
