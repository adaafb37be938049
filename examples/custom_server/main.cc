// SPDX-License-Identifier: Apache-2.0
// A tensorflow_model_server that serves lookup tables beside SavedModels; models.config
// shows how they are configured.
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index_source.h"
#include "keep_last_policy.h"
#include "lookup_table_adapter.h"
#include "tfserving_remote/net/http_client.h"
#include "tfserving_remote/server/custom_server.h"

namespace {

using tensorflow::serving::ModelSource;
using tensorflow::serving::StoragePathSourceAdapter;
using tfserving_remote::CreateHttpClient;
using tfserving_remote::HttpClient;

absl::StatusOr<std::unique_ptr<StoragePathSourceAdapter>> MakeAdapter() {
  absl::StatusOr<std::unique_ptr<HttpClient>> http = CreateHttpClient({});
  if (!http.ok()) return http.status();
  return std::make_unique<example::LookupTableAdapter>(*std::move(http));
}

absl::StatusOr<std::unique_ptr<ModelSource>> MakeSource() {
  absl::StatusOr<std::unique_ptr<HttpClient>> http = CreateHttpClient({});
  if (!http.ok()) return http.status();
  return std::make_unique<example::IndexSource>(*std::move(http), absl::Seconds(1));
}

}  // namespace

int main(int argc, char** argv) {
  tfserving_remote::ServerExtensions extensions;
  extensions.platforms.push_back({"lookup_table", MakeAdapter, MakeSource});
  extensions.aspired_version_policy = [] { return std::make_unique<example::KeepLastPolicy>(); };
  return tfserving_remote::ServerMain(argc, argv, std::move(extensions));
}
