// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_STREAM_TEST_VERSIONS_H_
#define TFSERVING_REMOTE_STREAM_TEST_VERSIONS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "tfserving_remote/store/memory/memory_store.h"
#include "tfserving_remote/stream/version_reader.h"

namespace tfserving_remote {

/// The files of a version by their paths.
using TestFiles = std::map<std::string, std::string>;

/// Bytes that look random and are the same for the same seed.
std::string TestBytes(size_t size, uint64_t seed);

/// The files of a model of testing/make_test_models.py.
TestFiles ReadTestModel(absl::string_view name);
std::string TestModelFolder(absl::string_view name);

struct TestArchive {
  std::string name;
  std::string bytes;
};

/// A manifest as the publisher writes it; `archive` may be null.
std::string MakeTestManifest(int64_t version, const TestFiles& files, uint64_t chunk_size,
                             const TestArchive* archive = nullptr);

/// Puts every file below `prefix`.
void PutFiles(MemoryStore& store, absl::string_view prefix, const TestFiles& files);

/// A store that flips one bit of the answers to its first `flips` reads of `key`.
class FlippingStore final : public ObjectStore {
 public:
  FlippingStore(std::shared_ptr<ObjectStore> behind, std::string key, int flips)
      : behind_(std::move(behind)), key_(std::move(key)), flips_(flips) {}

  absl::StatusOr<Listing> List(absl::string_view prefix, ListDepth depth,
                               const StoreCallOptions& options) override {
    return behind_->List(prefix, depth, options);
  }
  absl::StatusOr<ObjectInfo> Head(absl::string_view key, const StoreCallOptions& options) override {
    return behind_->Head(key, options);
  }
  absl::Status Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                    absl::Span<char> into, const StoreCallOptions& options) override;
  absl::StatusOr<Content> ReadAll(absl::string_view key, uint64_t max_bytes,
                                  const StoreCallOptions& options) override {
    return behind_->ReadAll(key, max_bytes, options);
  }
  std::string Url(absl::string_view key) const override { return behind_->Url(key); }

 private:
  const std::shared_ptr<ObjectStore> behind_;
  const std::string key_;
  std::atomic<int> flips_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_STREAM_TEST_VERSIONS_H_
