// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/servables/hashmap/hashmap_source_adapter.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/path.h"

namespace tensorflow {
namespace serving {
namespace {

using Hashmap = std::unordered_map<std::string, std::string>;
using Format = HashmapSourceAdapterConfig::Format;

absl::Status CheckFormat(Format format) {
  if (format == HashmapSourceAdapterConfig::SIMPLE_CSV) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Hashmap format ", static_cast<int>(format), " is not known"));
}

// The path itself, or the one table in that directory.
absl::Status FindFile(const StoragePath& path, std::string* file) {
  *file = path;
  Env* const env = Env::Default();
  if (!env->IsDirectory(path).ok()) return absl::OkStatus();
  std::vector<std::string> names;
  if (absl::Status status = env->GetChildren(path, &names); !status.ok()) return status;
  int num_tables = 0;
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".csv")) continue;
    *file = io::JoinPath(path, name);
    ++num_tables;
  }
  if (num_tables == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, " holds ", num_tables, " files *.csv, but must hold one"));
}

// Empty if the line was understood.
std::string AddLine(absl::string_view line, Hashmap* hashmap) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
  if (fields.size() != 2) {
    return absl::StrCat("expected 'key,value', found ", fields.size(), " fields");
  }
  const auto [entry, first] = hashmap->emplace(fields[0], fields[1]);
  if (first || entry->second == fields[1]) return "";
  return absl::StrCat("key '", fields[0], "' has another value further up");
}

absl::Status ParseSimpleCsv(absl::string_view text, const std::string& file, Hashmap* hashmap) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripSuffix(line, "\r");
    if (line.empty()) continue;
    const std::string problem = AddLine(line, hashmap);
    if (!problem.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ", line ", number, ": ", problem));
    }
  }
  return absl::OkStatus();
}

absl::Status LoadHashmap(const StoragePath& path, Format format,
                         std::unique_ptr<Hashmap>* hashmap) {
  if (absl::Status status = CheckFormat(format); !status.ok()) return status;
  std::string file;
  if (absl::Status status = FindFile(path, &file); !status.ok()) return status;
  std::string text;
  if (absl::Status status = ReadFileToString(Env::Default(), file, &text); !status.ok()) {
    return status;
  }
  *hashmap = std::make_unique<Hashmap>();
  return ParseSimpleCsv(text, file, hashmap->get());
}

}  // namespace

HashmapSourceAdapter::HashmapSourceAdapter(const HashmapSourceAdapterConfig& config)
    : SimpleLoaderSourceAdapter<StoragePath, Hashmap>(
          [format = config.format()](const StoragePath& path, std::unique_ptr<Hashmap>* hashmap) {
            return LoadHashmap(path, format, hashmap);
          },
          EstimateNoResources()) {}

HashmapSourceAdapter::~HashmapSourceAdapter() { Detach(); }

absl::Status HashmapSourceAdapter::Create(
    const HashmapSourceAdapterConfig& config,
    std::unique_ptr<SourceAdapter<StoragePath, std::unique_ptr<Loader>>>* adapter) {
  if (absl::Status status = CheckFormat(config.format()); !status.ok()) return status;
  *adapter = std::make_unique<HashmapSourceAdapter>(config);
  return absl::OkStatus();
}

}  // namespace serving
}  // namespace tensorflow
