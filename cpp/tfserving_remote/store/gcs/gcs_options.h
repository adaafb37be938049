// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_GCS_GCS_OPTIONS_H_
#define TFSERVING_REMOTE_STORE_GCS_GCS_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/store/credentials/helper_credentials.h"
#include "tfserving_remote/store/http_exchange.h"

namespace tfserving_remote {

/// Everything that a GCS store takes from its surroundings.
struct GcsOptions {
  std::string endpoint = "https://storage.googleapis.com";
  /// Send no token: public buckets and emulators.
  bool anonymous = false;
  /// The project that pays for requests to a requester-pays bucket; may be empty.
  std::string user_project;
  CredentialsHelperOptions helper;
  HttpTimeouts timeouts;
  /// A listing that is longer is RESOURCE_EXHAUSTED.
  uint64_t max_listed_objects = 2'000'000;
  /// One line per setting that was found, and where; holds no secret.
  std::vector<std::string> notes;

  /// Reads STORAGE_EMULATOR_HOST (with or without a scheme; no credentials are sent there),
  /// TFSR_GCS_ANONYMOUS, TFSR_GCS_USER_PROJECT, GCS_READ_REQUEST_TIMEOUT_SECS and TFSR_PYTHON.
  static absl::StatusOr<GcsOptions> FromEnvironment(const EnvironmentReader& environment);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_GCS_GCS_OPTIONS_H_
