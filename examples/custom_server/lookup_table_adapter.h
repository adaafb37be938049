// SPDX-License-Identifier: Apache-2.0
#ifndef EXAMPLE_LOOKUP_TABLE_ADAPTER_H_
#define EXAMPLE_LOOKUP_TABLE_ADAPTER_H_

#include <memory>

#include "absl/status/status.h"
#include "tensorflow_serving/core/loader.h"
#include "tensorflow_serving/core/source_adapter.h"
#include "tensorflow_serving/core/storage_path.h"
#include "tfserving_remote/net/http_client.h"

namespace example {

// Makes the Loader of a lookup table out of the URL of its file. Nothing is read before the manager
// loads it, and the Loader may outlive the adapter.
class LookupTableAdapter final
    : public tensorflow::serving::UnarySourceAdapter<tensorflow::serving::StoragePath,
                                                     std::unique_ptr<tensorflow::serving::Loader>> {
 public:
  explicit LookupTableAdapter(std::shared_ptr<tfserving_remote::HttpClient> http);
  ~LookupTableAdapter() override;

 private:
  absl::Status Convert(const tensorflow::serving::StoragePath& url,
                       std::unique_ptr<tensorflow::serving::Loader>* loader) override;

  const std::shared_ptr<tfserving_remote::HttpClient> http_;
};

}  // namespace example

#endif  // EXAMPLE_LOOKUP_TABLE_ADAPTER_H_
