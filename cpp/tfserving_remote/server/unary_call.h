// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_UNARY_CALL_H_
#define TFSERVING_REMOTE_SERVER_UNARY_CALL_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/net/grpc_server.h"

namespace tfserving_remote {

/// What a unary method does with a parsed request. `response` counts only after OK.
template <typename Request, typename Response>
using UnaryMethod =
    std::function<absl::Status(const Request& request, absl::Time deadline, Response* response)>;

/// The same, with the types forgotten.
using UntypedUnaryMethod =
    std::function<absl::Status(const google::protobuf::Message& request, absl::Time deadline,
                               google::protobuf::Message* response)>;

/// Runs a unary call to its end on this thread: parse, call, serialise, finish. Work that nobody
/// waits for any more (cancelled, deadline passed) is not begun.
///
/// Units:    absl::Time.
/// Errors:   all of them end the call: INTERNAL (the request does not parse), RESOURCE_EXHAUSTED
///           (no memory, or an answer above protobuf's 2 GiB), else what the method says, its
///           message cut after 1024 bytes as upstream does.
/// Threads:  safe to call from any thread.
/// Lifetime: `request` and `response` are used during the call only.
void RunUnaryCall(GrpcCall& call, Clock& clock, google::protobuf::Message* request,
                  google::protobuf::Message* response, const UntypedUnaryMethod& method);

template <typename Request, typename Response>
void RunUnaryCall(GrpcCall& call, Clock& clock, const UnaryMethod<Request, Response>& method) {
  Request request;
  Response response;
  RunUnaryCall(call, clock, &request, &response,
               [&method](const google::protobuf::Message& parsed, absl::Time deadline,
                         google::protobuf::Message* answer) {
                 return method(static_cast<const Request&>(parsed), deadline,
                               static_cast<Response*>(answer));
               });
}

/// The two halves of that, for a call that ends on another thread: whether to go on, with the
/// parsed request, and the end with `response` or an error.
absl::Status BeginUnaryCall(const GrpcCall& call, Clock& clock, google::protobuf::Message* request);
void FinishUnaryCall(GrpcCall& call, Clock& clock, const absl::Status& status,
                     const google::protobuf::Message& response);

/// What `work` returns; RESOURCE_EXHAUSTED or INTERNAL instead of what it throws.
absl::Status CatchExceptions(const std::function<absl::Status()>& work);

/// `status` with its message cut to 1024 bytes and `...TRUNCATED` when it is longer.
absl::Status TruncateMessage(const absl::Status& status);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_UNARY_CALL_H_
