// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_SERVABLES_HASHMAP_HASHMAP_SOURCE_ADAPTER_H_
#define TENSORFLOW_SERVING_SERVABLES_HASHMAP_HASHMAP_SOURCE_ADAPTER_H_

#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tensorflow_serving/servables/hashmap/hashmap_source_adapter.pb.h"

namespace tensorflow {
namespace serving {

// Loads a lookup table of strings, as an example of a servable that is no TensorFlow model. The
// path is that of a text file, or of a directory with exactly one `*.csv` in it, on any file system
// that TensorFlow knows. Not registered: whoever wants it by configuration registers it.
//
// Units:    SIMPLE_CSV: lines `key,value`, ended by LF or CRLF; empty lines are skipped; no
// quoting. Errors:   of the load: kInvalidArgument for a bad line, with its number, and for a key
// that comes
//           again with another value; kNotFound and others from the file system.
// Threads:  as SourceAdapter.
// Lifetime: loaders may outlive the adapter.
class HashmapSourceAdapter final
    : public SimpleLoaderSourceAdapter<StoragePath, std::unordered_map<std::string, std::string>> {
 public:
  explicit HashmapSourceAdapter(const HashmapSourceAdapterConfig& config);
  ~HashmapSourceAdapter() override;
  HashmapSourceAdapter(const HashmapSourceAdapter&) = delete;
  HashmapSourceAdapter& operator=(const HashmapSourceAdapter&) = delete;

  // As class registries want it. kInvalidArgument for a format that is not known.
  static absl::Status Create(
      const HashmapSourceAdapterConfig& config,
      std::unique_ptr<SourceAdapter<StoragePath, std::unique_ptr<Loader>>>* adapter);
};

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_SERVABLES_HASHMAP_HASHMAP_SOURCE_ADAPTER_H_
