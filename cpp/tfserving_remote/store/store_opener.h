// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STORE_STORE_OPENER_H_
#define TFSERVING_REMOTE_STORE_STORE_OPENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tfserving_remote/base/storage_url.h"
#include "tfserving_remote/store/object_store.h"

namespace tfserving_remote {

/// Gives the store that a URL lies in. Stores are shared: one per scheme and bucket.
///
/// Units:    none.
/// Errors:   INVALID_ARGUMENT (unknown scheme, bad endpoint in the environment); opening does not
/// reach out, so wrong
///           credentials and missing buckets show at the first call of the store.
/// Threads:  safe to call from any thread.
/// Lifetime: the stores may outlive the opener.
class StoreOpener {
 public:
  virtual ~StoreOpener() = default;
  virtual absl::StatusOr<std::shared_ptr<ObjectStore>> Open(const StorageUrl& url) = 0;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STORE_STORE_OPENER_H_
