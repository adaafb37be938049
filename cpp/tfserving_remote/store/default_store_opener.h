// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_DEFAULT_STORE_OPENER_H_
#define TFSERVING_REMOTE_STORE_DEFAULT_STORE_OPENER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tfserving_remote/base/clock.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/base/log.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/store/credentials/cached_credentials.h"
#include "tfserving_remote/store/gcs/gcs_options.h"
#include "tfserving_remote/store/local/local_store.h"
#include "tfserving_remote/store/retrying_store.h"
#include "tfserving_remote/store/s3/s3_options.h"
#include "tfserving_remote/store/store_opener.h"

namespace tfserving_remote {

struct StoreOptions {
  S3Options s3;
  GcsOptions gcs;
  LocalStore::Options local;
  RetryOptions retry;

  /// INVALID_ARGUMENT names the variable that makes no sense.
  static absl::StatusOr<StoreOptions> FromEnvironment(const EnvironmentReader& environment);
  absl::Status Validate() const;
};

/// What the stores see of the world.
struct StoreEnv {
  /// One per cloud, since certificate authorities are set per cloud.
  std::shared_ptr<HttpClient> s3_http;
  std::shared_ptr<HttpClient> gcs_http;
  /// Both outlive every store.
  Clock& clock;
  LogSink& log;
  /// Where credentials come from that the environment does not hold; null: the credentials helper
  /// in a process of its own. A server inside Python asks in its own process.
  CredentialsFetcher fetch_aws = nullptr;
  CredentialsFetcher fetch_gcs = nullptr;
};

/// Opens s3, gs and file, each store with retries around it. Credentials are shared by all buckets
/// of a cloud.
absl::StatusOr<std::shared_ptr<StoreOpener>> CreateStoreOpener(const StoreOptions& options,
                                                               StoreEnv env);

/// The same with HTTP clients made for these options. `clock` and `log` outlive every store.
absl::StatusOr<std::shared_ptr<StoreOpener>> CreateStoreOpener(const StoreOptions& options,
                                                               Clock& clock, LogSink& log);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_DEFAULT_STORE_OPENER_H_
