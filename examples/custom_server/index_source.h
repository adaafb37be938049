// SPDX-License-Identifier: Apache-2.0
#ifndef EXAMPLE_INDEX_SOURCE_H_
#define EXAMPLE_INDEX_SOURCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tensorflow_serving/config/model_server_config.pb.h"
#include "tensorflow_serving/model_servers/model_source.h"
#include "tfserving_remote/net/http_client.h"

namespace example {

// Version to URL.
using Index = std::map<int64_t, std::string>;

// An index is a text file: a line "VERSION URL" for each version, "#" begins a comment. URLs may be
// relative to the index's own.
absl::StatusOr<Index> ParseIndex(const std::string& index_url, absl::string_view text);

// Finds the versions of each model in an HTTP index file, which is the model's base_path. A list
// goes out when the index has changed; while it cannot be read or understood, the last one holds.
//
// Threads:  one thread at a time. Each model is polled by a thread of its own, so that a slow index
//           delays nobody else's.
// Lifetime: no callback runs after the destructor.
class IndexSource final : public tensorflow::serving::ModelSource {
 public:
  IndexSource(std::shared_ptr<tfserving_remote::HttpClient> http, absl::Duration poll_interval);
  ~IndexSource() override;

  absl::Status UpdateModels(const tensorflow::serving::ModelConfigList& models) override;
  void SetAspiredVersionsCallback(AspiredVersionsCallback callback) override;

 private:
  class Watch;

  void StartWatches();

  const std::shared_ptr<tfserving_remote::HttpClient> http_;
  const absl::Duration poll_interval_;
  AspiredVersionsCallback callback_;
  std::map<std::string, tensorflow::serving::ModelConfig> models_;
  std::map<std::string, std::unique_ptr<Watch>> watches_;  // stops its polls when it dies
};

}  // namespace example

#endif  // EXAMPLE_INDEX_SOURCE_H_
