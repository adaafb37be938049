// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/memory/memory_store.h"

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/listing.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {

MemoryStore::MemoryStore(std::string url_root) : url_root_(std::move(url_root)) {}

std::string MemoryStore::Put(absl::string_view key, std::string bytes) {
  absl::MutexLock lock(&mu_);
  Object object;
  object.info.key = std::string(key);
  object.info.size = bytes.size();
  object.info.tag = absl::StrCat("m", ++last_tag_);
  object.bytes = std::make_shared<const std::string>(std::move(bytes));
  std::string tag = object.info.tag;
  objects_[object.info.key] = std::move(object);
  return tag;
}

bool MemoryStore::Delete(absl::string_view key) {
  absl::MutexLock lock(&mu_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return false;
  objects_.erase(it);
  return true;
}

int MemoryStore::DeletePrefix(absl::string_view prefix) {
  absl::MutexLock lock(&mu_);
  int deleted = 0;
  auto it = objects_.lower_bound(prefix);
  while (it != objects_.end() && absl::StartsWith(it->first, prefix)) {
    it = objects_.erase(it);
    ++deleted;
  }
  return deleted;
}

MemoryStore::Counts MemoryStore::counts() const {
  absl::MutexLock lock(&mu_);
  return counts_;
}

absl::StatusOr<Listing> MemoryStore::List(absl::string_view prefix, ListDepth depth,
                                          const StoreCallOptions& options) {
  if (absl::Status status = CheckListPrefix(prefix); !status.ok()) return status;
  absl::MutexLock lock(&mu_);
  ++counts_.list;
  if (options.cancellation != nullptr && options.cancellation->cancelled()) {
    return StoreError(absl::StatusCode::kCancelled, "LIST", Url(prefix), "cancelled");
  }
  Listing listing;
  for (auto it = objects_.lower_bound(prefix);
       it != objects_.end() && absl::StartsWith(it->first, prefix); ++it) {
    if (depth == ListDepth::kRecursive) {
      listing.objects.push_back(it->second.info);
    } else {
      AddToOneLevel(prefix, it->second.info, listing);
    }
  }
  return listing;
}

absl::StatusOr<MemoryStore::Object> MemoryStore::Find(absl::string_view verb, absl::string_view key,
                                                      const StoreCallOptions& options) const {
  if (options.cancellation != nullptr && options.cancellation->cancelled()) {
    return StoreError(absl::StatusCode::kCancelled, verb, Url(key), "cancelled");
  }
  absl::MutexLock lock(&mu_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) {
    return StoreError(absl::StatusCode::kNotFound, verb, Url(key), "no such object");
  }
  return it->second;
}

absl::StatusOr<ObjectInfo> MemoryStore::Head(absl::string_view key,
                                             const StoreCallOptions& options) {
  {
    absl::MutexLock lock(&mu_);
    ++counts_.head;
  }
  const absl::StatusOr<Object> object = Find("HEAD", key, options);
  if (!object.ok()) return object.status();
  return object->info;
}

absl::Status MemoryStore::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                               absl::Span<char> into, const StoreCallOptions& options) {
  {
    absl::MutexLock lock(&mu_);
    ++counts_.read;
  }
  if (tag.empty()) {
    return StoreError(absl::StatusCode::kInvalidArgument, "GET", Url(key), "a read without a tag");
  }
  if (into.empty()) return absl::OkStatus();
  const absl::StatusOr<Object> object = Find("GET", key, options);
  if (!object.ok()) return object.status();
  if (tag != object->info.tag) {
    return StoreError(absl::StatusCode::kFailedPrecondition, "GET", Url(key),
                      "the object was replaced since it was listed");
  }
  if (offset > object->bytes->size() || into.size() > object->bytes->size() - offset) {
    return StoreError(absl::StatusCode::kOutOfRange, "GET", Url(key),
                      absl::StrCat("bytes ", offset, " to ", offset + into.size(), " of ",
                                   object->bytes->size()));
  }
  std::memcpy(into.data(), object->bytes->data() + offset, into.size());
  absl::MutexLock lock(&mu_);
  counts_.bytes += into.size();
  return absl::OkStatus();
}

absl::StatusOr<ObjectStore::Content> MemoryStore::ReadAll(absl::string_view key, uint64_t max_bytes,
                                                          const StoreCallOptions& options) {
  {
    absl::MutexLock lock(&mu_);
    ++counts_.read_all;
  }
  const absl::StatusOr<Object> object = Find("GET", key, options);
  if (!object.ok()) return object.status();
  if (object->bytes->size() > max_bytes) {
    return StoreError(absl::StatusCode::kResourceExhausted, "GET", Url(key),
                      absl::StrCat("has ", object->bytes->size(), " bytes, more than ", max_bytes));
  }
  absl::MutexLock lock(&mu_);
  counts_.bytes += object->bytes->size();
  return Content{object->info, *object->bytes};
}

std::string MemoryStore::Url(absl::string_view key) const { return absl::StrCat(url_root_, key); }

}  // namespace tfserving_remote
