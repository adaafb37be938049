// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_REQUEST_WRITER_H_
#define TFSERVING_REMOTE_NET_REQUEST_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/net/call_limits.h"
#include "tfserving_remote/net/connection.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {

/// INVALID_ARGUMENT for what must not go over a wire: malformed method, target or header (line
/// breaks would smuggle in a second request), or a header that the client itself writes.
absl::Status CheckRequest(const HttpRequest& request);

/// Sends a request that was checked.
absl::Status WriteRequest(const HttpRequest& request, absl::string_view user_agent,
                          Connection& connection, const CallLimits& limits);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_REQUEST_WRITER_H_
