// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/test_versions.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;

json Describe(absl::string_view bytes, uint64_t chunk_size) {
  json chunks = json::array();
  for (size_t begin = 0; begin < bytes.size(); begin += chunk_size) {
    const absl::string_view chunk = bytes.substr(begin, chunk_size);
    chunks.push_back({{"crc32c", Crc32cToHex(Crc32c(chunk))}, {"sha256", ToHex(Sha256(chunk))}});
  }
  return {{"size", bytes.size()}, {"sha256", ToHex(Sha256(bytes))}, {"chunks", chunks}};
}

}  // namespace

std::string TestBytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string TestModelFolder(absl::string_view name) {
  return absl::StrCat(TFSR_TEST_MODELS, "/", name, "/1");
}

TestFiles ReadTestModel(absl::string_view name) {
  const std::filesystem::path folder = TestModelFolder(name);
  TestFiles files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    files[entry.path().lexically_relative(folder).generic_string()] = bytes.str();
  }
  return files;
}

std::string MakeTestManifest(int64_t version, const TestFiles& files, uint64_t chunk_size,
                             const TestArchive* archive) {
  json list = json::array();
  uint64_t total = 0;
  for (const auto& [path, bytes] : files) {
    json file = Describe(bytes, chunk_size);
    file["path"] = path;
    list.push_back(std::move(file));
    total += bytes.size();
  }
  json manifest = {{"schema_version", 1},
                   {"version", version},
                   {"created_at", "2026-01-31T12:00:00Z"},
                   {"tensorflow_version", nullptr},
                   {"chunk_size", chunk_size},
                   {"total_size", total},
                   {"files", std::move(list)},
                   {"signatures", json::object()},
                   {"metadata", json::object()}};
  if (archive != nullptr) {
    manifest["archive"] = Describe(archive->bytes, chunk_size);
    manifest["archive"]["name"] = archive->name;
  }
  return manifest.dump();
}

void PutFiles(MemoryStore& store, absl::string_view prefix, const TestFiles& files) {
  for (const auto& [path, bytes] : files) store.Put(absl::StrCat(prefix, path), bytes);
}

absl::Status FlippingStore::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                                 absl::Span<char> into, const StoreCallOptions& options) {
  absl::Status read = behind_->Read(key, tag, offset, into, options);
  if (read.ok() && key == key_ && !into.empty() && flips_.fetch_sub(1) > 0) {
    into[into.size() / 2] ^= 1;
  }
  return read;
}

}  // namespace tfserving_remote
