// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_PLUGIN_STREAMING_FROM_ENVIRONMENT_H_
#define TFSERVING_REMOTE_PLUGIN_STREAMING_FROM_ENVIRONMENT_H_

#include "absl/status/statusor.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/stream/streaming_adapter.h"
#include "tfserving_remote/stream/transfer_pool.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// What all models of a process share: stores with the endpoints and credentials of the process's
/// environment, transfers, and the ledger of loads. No archive unpacks to more than the machine's
/// memory, since that would end the process and all that it serves.
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT names the variable that makes no sense.
/// Threads:  safe to call from any thread.
/// Lifetime: `clock` and `log` outlive what is made of the result.
absl::StatusOr<StreamingOptions> StreamingFromEnvironment(const TransferPoolOptions& transfers,
                                                          ManifestMode manifest_mode, Clock& clock,
                                                          LogSink& log);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_PLUGIN_STREAMING_FROM_ENVIRONMENT_H_
