// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_ONE_STORE_H_
#define TFSERVING_REMOTE_TESTING_ONE_STORE_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tfserving_remote/store/store_opener.h"

namespace tfserving_remote {

/// Opens the same store for every URL.
///
/// Units:    none.
/// Errors:   `error`, when that is set.
/// Threads:  safe to call from any thread, while nobody sets `error`.
/// Lifetime: none to mind.
class OneStore final : public StoreOpener {
 public:
  explicit OneStore(std::shared_ptr<ObjectStore> store) : store_(std::move(store)) {}
  absl::StatusOr<std::shared_ptr<ObjectStore>> Open(const StorageUrl&) override {
    if (!error.ok()) return error;
    return store_;
  }

  absl::Status error;

 private:
  const std::shared_ptr<ObjectStore> store_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_ONE_STORE_H_
