// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/manifest.h"

#include <limits>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tfserving_remote/base/guarded_json.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxSize = std::numeric_limits<int64_t>::max();

absl::Status Wrong(absl::string_view where, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", why));
}

// One JSON object and the place where it stands, for messages.
class Fields {
 public:
  static absl::StatusOr<Fields> Of(const json& value, std::string where) {
    if (!value.is_object()) {
      return Wrong(where.empty() ? "the whole" : where, "must be an object");
    }
    return Fields(value, std::move(where));
  }

  std::string Where(absl::string_view name) const {
    return where_.empty() ? std::string(name) : absl::StrCat(where_, ".", name);
  }

  // Null for a field that is missing or null.
  const json* Find(const char* name) const {
    const auto found = object_->find(name);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
  }

  absl::StatusOr<const json*> Require(const char* name) const {
    const json* value = Find(name);
    if (value == nullptr) return Wrong(Where(name), "is missing");
    return value;
  }

  absl::StatusOr<uint64_t> Size(const char* name) const {
    const absl::StatusOr<const json*> value = Require(name);
    if (!value.ok()) return value.status();
    if (!(*value)->is_number_unsigned() || (*value)->get<uint64_t>() > kMaxSize) {
      return Wrong(Where(name), absl::StrCat("must be a whole number from 0 to ", kMaxSize));
    }
    return (*value)->get<uint64_t>();
  }

  absl::StatusOr<std::string> Text(const char* name) const {
    const absl::StatusOr<const json*> value = Require(name);
    if (!value.ok()) return value.status();
    if (!(*value)->is_string()) return Wrong(Where(name), "must be a string");
    return (*value)->get<std::string>();
  }

  absl::Status Hex(const char* name, absl::Span<uint8_t> into) const {
    const absl::StatusOr<std::string> text = Text(name);
    if (!text.ok()) return text.status();
    if (FromHex(*text, into)) return absl::OkStatus();
    return Wrong(Where(name),
                 absl::StrCat("must be ", 2 * into.size(), " lower-case hexadecimal digits"));
  }

  absl::StatusOr<const json*> Array(const char* name) const {
    const absl::StatusOr<const json*> value = Require(name);
    if (value.ok() && !(*value)->is_array()) return Wrong(Where(name), "must be an array");
    return value;
  }

  // The JSON text of an optional object; "" without one.
  absl::StatusOr<std::string> ObjectText(const char* name) const {
    const json* value = Find(name);
    if (value == nullptr) return std::string();
    if (!value->is_object()) return Wrong(Where(name), "must be an object");
    return value->dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  Fields(const json& object, std::string where) : object_(&object), where_(std::move(where)) {}

  const json* object_;
  std::string where_;
};

absl::StatusOr<ChunkDigest> ParseChunk(const json& value, std::string where) {
  const absl::StatusOr<Fields> fields = Fields::Of(value, std::move(where));
  if (!fields.ok()) return fields.status();
  ChunkDigest chunk;
  std::array<uint8_t, 4> crc = {};
  if (absl::Status status = fields->Hex("crc32c", absl::MakeSpan(crc)); !status.ok()) return status;
  for (uint8_t byte : crc) chunk.crc32c = chunk.crc32c << 8 | byte;
  if (absl::Status status = fields->Hex("sha256", absl::MakeSpan(chunk.sha256)); !status.ok()) {
    return status;
  }
  return chunk;
}

absl::Status ParseChunks(const Fields& fields, uint64_t chunk_size, ManifestFile& file) {
  const absl::StatusOr<const json*> chunks = fields.Array("chunks");
  if (!chunks.ok()) return chunks.status();
  const uint64_t expected = file.size / chunk_size + (file.size % chunk_size != 0 ? 1 : 0);
  if ((*chunks)->size() != expected) {
    return Wrong(fields.Where("chunks"),
                 absl::StrCat("has ", (*chunks)->size(), " entries; ", file.size,
                              " bytes in chunks of ", chunk_size, " need ", expected));
  }
  file.chunks.reserve(expected);
  for (size_t i = 0; i < expected; ++i) {
    absl::StatusOr<ChunkDigest> chunk =
        ParseChunk((**chunks)[i], absl::StrCat(fields.Where("chunks"), "[", i, "]"));
    if (!chunk.ok()) return chunk.status();
    file.chunks.push_back(*chunk);
  }
  return absl::OkStatus();
}

// `name_field` is "path" for a file of the version and "name" for an archive.
absl::StatusOr<ManifestFile> ParseFile(const json& value, std::string where, const char* name_field,
                                       uint64_t chunk_size) {
  const absl::StatusOr<Fields> fields = Fields::Of(value, std::move(where));
  if (!fields.ok()) return fields.status();
  ManifestFile file;
  absl::StatusOr<std::string> path = fields->Text(name_field);
  if (!path.ok()) return path.status();
  if (!IsSafeRelativePath(*path)) {
    return Wrong(fields->Where(name_field),
                 absl::StrCat("\"", absl::CHexEscape(path->substr(0, 200)),
                              "\" is not a relative path without \"..\", empty parts, backslashes "
                              "and control characters"));
  }
  file.path = *std::move(path);
  const absl::StatusOr<uint64_t> size = fields->Size("size");
  if (!size.ok()) return size.status();
  file.size = *size;
  if (absl::Status status = fields->Hex("sha256", absl::MakeSpan(file.sha256)); !status.ok()) {
    return status;
  }
  if (absl::Status status = ParseChunks(*fields, chunk_size, file); !status.ok()) return status;
  return file;
}

// `path` is not both a file and a folder of another file.
absl::Status CheckFolders(const std::vector<ManifestFile>& files) {
  std::unordered_set<absl::string_view> paths;
  for (const ManifestFile& file : files) paths.insert(file.path);
  for (const ManifestFile& file : files) {
    const absl::string_view path = file.path;
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
      if (paths.count(path.substr(0, slash)) != 0) {
        return Wrong("files", absl::StrCat("\"", path.substr(0, slash),
                                           "\" is a file and the folder of \"", path, "\""));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ParseFiles(const Fields& fields, const ManifestLimits& limits, Manifest& manifest) {
  const absl::StatusOr<const json*> files = fields.Array("files");
  if (!files.ok()) return files.status();
  if ((*files)->empty()) return Wrong("files", "is empty");
  if ((*files)->size() > limits.max_files) {
    return Wrong("files", absl::StrCat("has ", (*files)->size(), " entries; at most ",
                                       limits.max_files, " are read"));
  }
  uint64_t total = 0;
  for (size_t i = 0; i < (*files)->size(); ++i) {
    const std::string where = absl::StrCat("files[", i, "]");
    absl::StatusOr<ManifestFile> file = ParseFile((**files)[i], where, "path", manifest.chunk_size);
    if (!file.ok()) return file.status();
    if (!manifest.files.empty() && file->path <= manifest.files.back().path) {
      return Wrong(absl::StrCat(where, ".path"),
                   absl::StrCat("\"", file->path, "\" must come after \"",
                                manifest.files.back().path, "\": paths are sorted and unique"));
    }
    if (file->size > kMaxSize - total) return Wrong(where, "sizes add up to more than 2^63 - 1");
    total += file->size;
    manifest.files.push_back(*std::move(file));
  }
  if (total != manifest.total_size) {
    return Wrong("total_size",
                 absl::StrCat("is ", manifest.total_size, ", but the files add up to ", total));
  }
  return CheckFolders(manifest.files);
}

absl::Status ParseHead(const Fields& fields, const ManifestLimits& limits, Manifest& manifest) {
  const absl::StatusOr<uint64_t> schema = fields.Size("schema_version");
  if (!schema.ok()) return schema.status();
  if (*schema != 1) {
    return Wrong("schema_version", absl::StrCat("is ", *schema, "; this program reads 1"));
  }
  manifest.schema_version = 1;
  const absl::StatusOr<uint64_t> version = fields.Size("version");
  if (!version.ok()) return version.status();
  manifest.version = static_cast<int64_t>(*version);
  absl::StatusOr<std::string> created_at = fields.Text("created_at");
  if (!created_at.ok()) return created_at.status();
  absl::Time time;
  if (!absl::EndsWith(*created_at, "Z") ||
      !absl::ParseTime(absl::RFC3339_full, *created_at, &time, nullptr)) {
    return Wrong("created_at", "must be a time as in 2026-01-31T12:00:00Z");
  }
  manifest.created_at = *std::move(created_at);
  const absl::StatusOr<uint64_t> chunk_size = fields.Size("chunk_size");
  if (!chunk_size.ok()) return chunk_size.status();
  if (*chunk_size < limits.min_chunk_size || *chunk_size > limits.max_chunk_size) {
    return Wrong("chunk_size", absl::StrCat("must be from ", limits.min_chunk_size, " to ",
                                            limits.max_chunk_size));
  }
  manifest.chunk_size = *chunk_size;
  const absl::StatusOr<uint64_t> total = fields.Size("total_size");
  if (!total.ok()) return total.status();
  manifest.total_size = *total;
  return absl::OkStatus();
}

absl::Status ParseDescription(const Fields& fields, Manifest& manifest) {
  if (fields.Find("tensorflow_version") != nullptr) {
    absl::StatusOr<std::string> version = fields.Text("tensorflow_version");
    if (!version.ok()) return version.status();
    manifest.tensorflow_version = *std::move(version);
  }
  absl::StatusOr<std::string> signatures = fields.ObjectText("signatures");
  if (!signatures.ok()) return signatures.status();
  manifest.signatures_json = *std::move(signatures);
  absl::StatusOr<std::string> preprocessing = fields.ObjectText("preprocessing");
  if (!preprocessing.ok()) return preprocessing.status();
  manifest.preprocessing_json = *std::move(preprocessing);
  const json* metadata = fields.Find("metadata");
  if (metadata == nullptr) return absl::OkStatus();
  if (!metadata->is_object()) return Wrong("metadata", "must be an object");
  for (const auto& [name, value] : metadata->items()) {
    if (!value.is_string()) return Wrong(absl::StrCat("metadata.", name), "must be a string");
    manifest.metadata[name] = value.get<std::string>();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Manifest> ParseManifest(absl::string_view text, const ManifestLimits& limits) {
  const absl::StatusOr<json> parsed =
      ParseGuardedJson(text, {static_cast<size_t>(limits.max_bytes), limits.max_depth});
  if (!parsed.ok()) return parsed.status();
  const absl::StatusOr<Fields> fields = Fields::Of(*parsed, "");
  if (!fields.ok()) return fields.status();
  Manifest manifest;
  if (absl::Status status = ParseHead(*fields, limits, manifest); !status.ok()) return status;
  if (const json* archive = fields->Find("archive"); archive != nullptr) {
    absl::StatusOr<ManifestFile> file = ParseFile(*archive, "archive", "name", manifest.chunk_size);
    if (!file.ok()) return file.status();
    if (file->path.find('/') != std::string::npos) return Wrong("archive.name", "has a '/'");
    manifest.archive = *std::move(file);
  }
  if (absl::Status status = ParseFiles(*fields, limits, manifest); !status.ok()) return status;
  if (absl::Status status = ParseDescription(*fields, manifest); !status.ok()) return status;
  return manifest;
}

}  // namespace tfserving_remote
