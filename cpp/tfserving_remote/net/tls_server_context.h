// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_TLS_SERVER_CONTEXT_H_
#define TFSERVING_REMOTE_NET_TLS_SERVER_CONTEXT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tfserving_remote/net/grpc_server.h"

using SSL_CTX = struct ssl_ctx_st;

namespace tfserving_remote {

/// TLS 1.2 or 1.3 with the cipher suites HTTP/2 allows, ALPN "h2", client certificates checked
/// against `client_ca` when it is given. INVALID_ARGUMENT names the part that could not be used; no
/// key material is printed.
absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeTlsServerContext(const GrpcTlsOptions& options);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_TLS_SERVER_CONTEXT_H_
