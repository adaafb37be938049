// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_PREFIX_STORAGE_PATH_SOURCE_ADAPTER_H_
#define TENSORFLOW_SERVING_CORE_PREFIX_STORAGE_PATH_SOURCE_ADAPTER_H_

#include <string>

#include "absl/status/status.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"

namespace tensorflow {
namespace serving {

// Puts one prefix before every storage path, with exactly one '/' in between.
//
// Units:    none.
// Errors:   none; an empty prefix or path leaves the other one as it is.
// Threads:  as SourceAdapter.
// Lifetime: as SourceAdapter.
class PrefixStoragePathSourceAdapter final : public UnarySourceAdapter<StoragePath, StoragePath> {
 public:
  explicit PrefixStoragePathSourceAdapter(const std::string& prefix);
  ~PrefixStoragePathSourceAdapter() override;

 private:
  absl::Status Convert(const StoragePath& source, StoragePath* destination) override;

  const std::string prefix_;
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_PREFIX_STORAGE_PATH_SOURCE_ADAPTER_H_
