// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/streaming_loader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tfserving_remote {

namespace tfs = ::tensorflow::serving;

namespace {

// The store's or the manifest's own words in front: what reads the files often makes something else
// of them.
absl::Status Explain(const absl::Status& from_loader, const VersionReader& reader) {
  const absl::Status cause = reader.status();
  if (cause.ok()) {
    return absl::Status(from_loader.code(),
                        absl::StrCat(reader.url(), ": ", from_loader.message()));
  }
  return absl::Status(
      cause.code(),
      absl::StrCat(cause.message(), "; what loads the model said: ", from_loader.message()));
}

}  // namespace

StreamingLoader::StreamingLoader(StorageUrl url, std::shared_ptr<const StreamingOptions> options,
                                 std::shared_ptr<const FolderLoaderCreator> create_folder_loader,
                                 std::shared_ptr<Cancellation> cancellation)
    : url_(std::move(url)),
      options_(std::move(options)),
      create_folder_loader_(std::move(create_folder_loader)),
      cancellation_(std::move(cancellation)) {}

absl::Status StreamingLoader::EstimateResources(tfs::ResourceAllocation* estimate) const {
  estimate->Clear();
  absl::MutexLock lock(&mu_);
  if (!opened_.tried) {
    opened_.tried = true;
    absl::StatusOr<std::shared_ptr<VersionReader>> reader =
        Open(options_->clock->Now() + options_->estimate_timeout, opened_.fingerprint);
    opened_.status = reader.status();
    if (reader.ok()) {
      opened_.reader = *std::move(reader);
      opened_.ram = RamOf(*opened_.reader);
    }
  }
  if (!opened_.ram.has_value()) return absl::OkStatus();
  auto* const entry = estimate->add_resource_quantities();
  entry->mutable_resource()->set_device("main");
  entry->mutable_resource()->set_kind("ram_in_bytes");
  entry->set_quantity(*opened_.ram);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<VersionReader>> StreamingLoader::Open(
    absl::Time deadline, std::string& fingerprint) const {
  absl::StatusOr<std::shared_ptr<ObjectStore>> store = options_->stores->Open(url_);
  if (!store.ok()) return store.status();
  StoreCallOptions call;
  call.cancellation = cancellation_.get();
  call.deadline = deadline;
  absl::StatusOr<std::unique_ptr<VersionReader>> reader =
      OpenVersion(LocateVersion(*std::move(store), url_), options_->reader, options_->transfers,
                  call, &fingerprint);
  if (!reader.ok()) return reader.status();
  return std::shared_ptr<VersionReader>(*std::move(reader));
}

uint64_t StreamingLoader::RamOf(const VersionReader& reader) const {
  return static_cast<uint64_t>(options_->ram_factor *
                               static_cast<double>(reader.stats().total_bytes));
}

absl::StatusOr<std::shared_ptr<VersionReader>> StreamingLoader::TakeReader(
    std::string& fingerprint) {
  {
    absl::MutexLock lock(&mu_);
    opened_.tried = true;
    fingerprint = opened_.fingerprint;
    if (opened_.reader != nullptr) return std::exchange(opened_.reader, nullptr);
    // What the estimate found out; a further attempt asks the store anew.
    if (!opened_.status.ok()) return std::exchange(opened_.status, absl::OkStatus());
  }
  absl::StatusOr<std::shared_ptr<VersionReader>> reader = Open(absl::InfiniteFuture(), fingerprint);
  if (!reader.ok()) return reader;
  absl::MutexLock lock(&mu_);
  if (!opened_.ram.has_value()) opened_.ram = RamOf(**reader);
  return reader;
}

absl::Status StreamingLoader::LoadWithMetadata(const Metadata& metadata) {
  std::string fingerprint;
  absl::StatusOr<std::shared_ptr<VersionReader>> reader = TakeReader(fingerprint);
  if (!reader.ok()) return Finish(metadata, reader.status(), fingerprint);
  return Finish(metadata, Load(metadata, *std::move(reader)), fingerprint);
}

absl::Status StreamingLoader::Load(const Metadata& metadata,
                                   std::shared_ptr<VersionReader> reader) {
  const absl::Time began = options_->clock->Now();
  const Cancellation::Registration registration(cancellation_.get(),
                                                [reader] { reader->Cancel(); });
  absl::StatusOr<std::unique_ptr<Mount>> mount = MountVersion(
      reader, absl::StrCat(metadata.servable_id.name, "/", metadata.servable_id.version));
  if (!mount.ok()) return mount.status();
  reader_ = reader;
  mount_ = *std::move(mount);
  absl::Status loaded = LoadFolder(metadata, *reader);
  if (loaded.ok()) {
    LogLoaded(metadata, reader->stats(), options_->clock->Now() - began);
    return loaded;
  }
  loaded = Explain(loaded, *reader);
  Unload();
  return loaded;
}

absl::Status StreamingLoader::LoadFolder(const Metadata& metadata, VersionReader& reader) {
  absl::StatusOr<std::unique_ptr<tfs::Loader>> loader =
      (*create_folder_loader_)(metadata.servable_id, mount_->export_dir());
  if (!loader.ok()) return loader.status();
  absl::Status status = (*loader)->LoadWithMetadata(metadata);
  if (!status.ok()) return status;
  folder_loader_ = *std::move(loader);
  reader.ReleaseAfterLoad();
  return reader.status();
}

tfs::AnyPtr StreamingLoader::servable() {
  return folder_loader_ == nullptr ? tfs::AnyPtr() : folder_loader_->servable();
}

tfs::ServableModelType StreamingLoader::model_type() const {
  return folder_loader_ == nullptr ? tfs::ServableModelType::kUnspecified
                                   : folder_loader_->model_type();
}

void StreamingLoader::LogLoaded(const Metadata& metadata, const StreamStats& stats,
                                absl::Duration took) const {
  const double cached = static_cast<double>(stats.cached_bytes) / 1e6;
  const double megabytes = static_cast<double>(stats.fetched_bytes) / 1e6 + cached;
  const double seconds = std::max(absl::ToDoubleSeconds(took), 1e-6);
  options_->log->Log(
      Severity::kInfo,
      absl::StrFormat(
          "loaded %s version %d from %s: %.1f MB in %.2f s, %.0f MB/s, %d requests, %s%s",
          metadata.servable_id.name, metadata.servable_id.version, reader_->url(), megabytes,
          seconds, megabytes / seconds, stats.requests,
          stats.cached_bytes == 0 ? "" : absl::StrFormat("%.1f MB from the cache, ", cached),
          reader_->manifest() == nullptr ? "no manifest to verify it with"
                                         : "verified against its manifest"));
}

absl::Status StreamingLoader::Finish(const Metadata& metadata, const absl::Status& status,
                                     const std::string& fingerprint) {
  const tfs::ServableId& id = metadata.servable_id;
  if (options_->ledger == nullptr) return status;
  if (status.ok()) {
    options_->ledger->RecordSuccess(id.name, id.version);
  } else if (!cancellation_->cancelled()) {
    options_->ledger->RecordFailure(id.name, id.version, status, fingerprint,
                                    options_->clock->Now());
  }
  return status;
}

void StreamingLoader::Unload() {
  if (folder_loader_ != nullptr) folder_loader_->Unload();
  folder_loader_.reset();
  mount_.reset();
  reader_.reset();
}

}  // namespace tfserving_remote
