// SPDX-License-Identifier: Apache-2.0
#include "lookup_table_adapter.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "http_file.h"
#include "lookup_table.h"
#include "tensorflow_serving/core/simple_loader.h"
#include "tensorflow_serving/resources/resources.pb.h"

namespace example {
namespace {

using tensorflow::serving::Loader;
using tensorflow::serving::ResourceAllocation;
using tensorflow::serving::Servable;
using tensorflow::serving::StoragePath;
using tfserving_remote::HttpClient;

// The text and, for lines that are not very short, the hash map over it.
constexpr uint64_t kRamPerByte = 4;

absl::Status Load(HttpClient& http, const Loader::Metadata& metadata, const StoragePath& url,
                  std::unique_ptr<Servable>* servable) {
  absl::StatusOr<std::string> text = ReadHttpFile(http, url);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::unique_ptr<LookupTable>> table =
      LookupTable::Parse(metadata.servable_id, *std::move(text));
  if (!table.ok()) {
    return absl::Status(table.status().code(), absl::StrCat(url, ": ", table.status().message()));
  }
  *servable = *std::move(table);
  return absl::OkStatus();
}

absl::Status Estimate(HttpClient& http, const StoragePath& url, ResourceAllocation* estimate) {
  const absl::StatusOr<uint64_t> bytes = HttpFileSize(http, url);
  if (!bytes.ok()) return bytes.status();
  estimate->Clear();
  ResourceAllocation::Entry* entry = estimate->add_resource_quantities();
  entry->mutable_resource()->set_device("main");
  entry->mutable_resource()->set_kind("ram_in_bytes");
  entry->set_quantity(*bytes * kRamPerByte);
  return absl::OkStatus();
}

}  // namespace

LookupTableAdapter::LookupTableAdapter(std::shared_ptr<HttpClient> http) : http_(std::move(http)) {}

LookupTableAdapter::~LookupTableAdapter() { Detach(); }

absl::Status LookupTableAdapter::Convert(const StoragePath& url, std::unique_ptr<Loader>* loader) {
  // A servable is found by the exact type that its loader names: Servable, not LookupTable.
  *loader = std::make_unique<tensorflow::serving::SimpleLoader<Servable>>(
      [http = http_, url](const Loader::Metadata& metadata, std::unique_ptr<Servable>* servable) {
        return Load(*http, metadata, url, servable);
      },
      [http = http_, url](ResourceAllocation* estimate) { return Estimate(*http, url, estimate); });
  return absl::OkStatus();
}

}  // namespace example
