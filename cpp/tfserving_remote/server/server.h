// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_SERVER_SERVER_H_
#define TFSERVING_REMOTE_SERVER_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/server/custom_server.h"
#include "tfserving_remote/server/server_options.h"

namespace tfserving_remote {

/// The whole server, without process matters (signals, exit codes): those are main.cc's.
///
/// Ports open at once; health says NOT_SERVING until every model has an available version.
///
/// Units:    none.
/// Errors:   Start: what is wrong with the options, the configuration or an address.
/// Threads:  one thread starts, drains and destroys it.
/// Lifetime: clock and log outlive it.
class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const ServerExtensions& extensions,
                                                       Clock& clock, LogSink& log);
  /// Cuts off what still runs; call Drain first.
  virtual ~Server() = default;

  /// The TCP port that is bound; 0 when there is none.
  virtual int port() const = 0;

  /// Turns health to NOT_SERVING, tells clients to go elsewhere, and lets running requests finish
  /// for options.remote_drain_seconds. True when none had to be cut off.
  virtual bool Drain() = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_SERVER_SERVER_H_
