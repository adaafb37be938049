// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_CREDENTIALS_HELPER_CREDENTIALS_H_
#define TFSERVING_REMOTE_STORE_CREDENTIALS_HELPER_CREDENTIALS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/store/credentials/cached_credentials.h"

namespace tfserving_remote {

enum class Cloud { kAws, kGcs };

/// How the vendors' own credential chains are asked: `<python> -m tfserving_remote.credentials aws`
/// (or gcs) prints AWS's credential_process JSON.
struct CredentialsHelperOptions {
  std::string python = "python3";
  absl::Duration time_limit = absl::Seconds(30);

  /// TFSR_PYTHON names the interpreter.
  static CredentialsHelperOptions FromEnvironment(const EnvironmentReader& environment);
};

/// Reads what the helper printed. Pure. UNAUTHENTICATED with the helper's own words when it found
/// none; never quotes the text.
absl::StatusOr<Credentials> ParseHelperOutput(Cloud cloud, absl::string_view json);

/// Runs the helper once per call.
CredentialsFetcher HelperFetcher(Cloud cloud, CredentialsHelperOptions options);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_CREDENTIALS_HELPER_CREDENTIALS_H_
