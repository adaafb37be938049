// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_CREDENTIALS_CREDENTIALS_H_
#define TFSERVING_REMOTE_STORE_CREDENTIALS_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// What proves to a store who asks: an AWS key, or a bearer token, or nothing for public buckets.
/// Never printed.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string bearer_token;
  absl::Time expiration = absl::InfiniteFuture();
  /// The region that the user's profile names; empty when it names none.
  std::string region;

  bool anonymous() const { return access_key_id.empty() && bearer_token.empty(); }
};

/// Gives the credentials of the moment.
///
/// Units:    absl::Time.
/// Errors:   UNAUTHENTICATED (none can be found; says where they were looked for), CANCELLED.
///           Messages hold no secret.
/// Threads:  safe to call from any thread; Get may block while credentials are fetched for the
///           first time or after they expired.
/// Lifetime: outlives its calls.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;

  virtual absl::StatusOr<std::shared_ptr<const Credentials>> Get(
      const StoreCallOptions& options) = 0;

  /// A store refused `used`. True when the next Get may give others. Many calls that fail at once
  /// with the same credentials cause one refresh.
  virtual bool Invalidate(const std::shared_ptr<const Credentials>& used) = 0;
};

/// The same credentials for ever.
std::shared_ptr<CredentialsProvider> StaticCredentials(Credentials credentials);

/// `text` without any secret of `credentials`, should a server have echoed one.
std::string WithoutSecrets(absl::string_view text, const Credentials& credentials);

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_CREDENTIALS_CREDENTIALS_H_
