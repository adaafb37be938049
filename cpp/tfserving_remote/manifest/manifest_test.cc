// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Chunks(size_t count) {
  json chunks = json::array();
  for (size_t i = 0; i < count; ++i) {
    chunks.push_back({{"crc32c", "0123abcd"}, {"sha256", std::string(64, 'a')}});
  }
  return chunks;
}

json File(const std::string& path, uint64_t size) {
  return {{"path", path},
          {"size", size},
          {"sha256", std::string(64, 'b')},
          {"chunks", Chunks((size + 9) / 10)}};
}

json Valid() {
  return {{"schema_version", 1},
          {"version", 3},
          {"created_at", "2026-01-31T12:00:00Z"},
          {"tensorflow_version", "2.21.0"},
          {"chunk_size", 10},
          {"total_size", 25},
          {"files", {File("saved_model.pb", 20), File("variables/variables.index", 5)}},
          {"signatures", {{"serving_default", {{"inputs", json::object()}}}}},
          {"metadata", {{"owner", "team"}}}};
}

// Chunks of ten bytes keep the examples short.
ManifestLimits TinyChunks() {
  ManifestLimits limits;
  limits.min_chunk_size = 1;
  return limits;
}

std::string ErrorOf(const std::string& text, const ManifestLimits& limits = TinyChunks()) {
  const absl::StatusOr<Manifest> manifest = ParseManifest(text, limits);
  if (manifest.ok()) return "none";
  EXPECT_TRUE(absl::IsInvalidArgument(manifest.status())) << manifest.status();
  return std::string(manifest.status().message());
}

std::string ErrorAfter(const std::function<void(json&)>& change,
                       const ManifestLimits& limits = TinyChunks()) {
  json manifest = Valid();
  change(manifest);
  return ErrorOf(manifest.dump(), limits);
}

TEST(ManifestTest, ReadsEveryField) {
  const absl::StatusOr<Manifest> manifest = ParseManifest(Valid().dump(), TinyChunks());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->version, 3);
  EXPECT_EQ(manifest->created_at, "2026-01-31T12:00:00Z");
  EXPECT_EQ(manifest->tensorflow_version, "2.21.0");
  EXPECT_EQ(manifest->chunk_size, 10);
  EXPECT_EQ(manifest->total_size, 25);
  EXPECT_FALSE(manifest->archive.has_value());
  ASSERT_EQ(manifest->files.size(), 2);
  EXPECT_EQ(manifest->files[0].path, "saved_model.pb");
  EXPECT_EQ(manifest->files[0].size, 20);
  ASSERT_EQ(manifest->files[0].chunks.size(), 2);
  EXPECT_EQ(manifest->files[0].chunks[1].crc32c, 0x0123abcd);
  EXPECT_EQ(manifest->files[0].sha256[31], 0xbb);
  EXPECT_THAT(manifest->signatures_json, HasSubstr("serving_default"));
  EXPECT_EQ(manifest->preprocessing_json, "");
  EXPECT_EQ(manifest->metadata.at("owner"), "team");
}

TEST(ManifestTest, ReadsAnArchive) {
  json text = Valid();
  text["archive"] = File("x", 31);
  text["archive"].erase("path");
  text["archive"]["name"] = "3.tar.gz";
  const absl::StatusOr<Manifest> manifest = ParseManifest(text.dump(), TinyChunks());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->archive->path, "3.tar.gz");
  EXPECT_EQ(manifest->archive->chunks.size(), 4);
}

TEST(ManifestTest, TakesUnknownFieldsNullsAndEmptyFiles) {
  const auto change = [](json& m) {
    m["later"] = {{"x", 1}};
    m["tensorflow_version"] = nullptr;
    m.erase("signatures");
    m["files"][1] = File("z", 0);
    m["total_size"] = 20;
  };
  EXPECT_EQ(ErrorAfter(change), "none");
}

TEST(ManifestTest, NamesTheFieldThatIsMissingOrOfTheWrongKind) {
  for (const char* name :
       {"schema_version", "version", "created_at", "chunk_size", "total_size", "files"}) {
    EXPECT_EQ(ErrorAfter([&](json& m) { m.erase(name); }), absl::StrCat(name, ": is missing"));
    EXPECT_THAT(ErrorAfter([&](json& m) { m[name] = true; }),
                HasSubstr(absl::StrCat(name, ": must be")));
  }
  EXPECT_EQ(ErrorAfter([](json& m) { m["files"][1].erase("sha256"); }),
            "files[1].sha256: is missing");
  EXPECT_EQ(ErrorAfter([](json& m) { m["files"][0]["chunks"][1].erase("crc32c"); }),
            "files[0].chunks[1].crc32c: is missing");
  EXPECT_EQ(ErrorAfter([](json& m) { m["files"][0] = 7; }), "files[0]: must be an object");
  EXPECT_EQ(ErrorAfter([](json& m) { m["metadata"]["n"] = 7; }), "metadata.n: must be a string");
  EXPECT_EQ(ErrorAfter([](json& m) { m["signatures"] = 7; }), "signatures: must be an object");
  EXPECT_EQ(ErrorAfter([](json& m) { m["preprocessing"] = "x"; }),
            "preprocessing: must be an object");
}

TEST(ManifestTest, RefusesSizesThatAreNoSizes) {
  for (const char* bad : {"-1", "1.5", "\"20\"", "18446744073709551616", "9223372036854775808"}) {
    std::string text = Valid().dump();
    const std::string good = "\"size\":20";
    text.replace(text.find(good), good.size(), absl::StrCat("\"size\":", bad));
    EXPECT_THAT(ErrorOf(text), HasSubstr("files[0].size: must be a whole number")) << bad;
  }
}

TEST(ManifestTest, RefusesDigestsOfWrongLengthOrInUpperCase) {
  const auto sha = [](const std::string& digest) {
    return ErrorAfter([&](json& m) { m["files"][0]["sha256"] = digest; });
  };
  const std::string expected = "files[0].sha256: must be 64 lower-case hexadecimal digits";
  EXPECT_EQ(sha(std::string(63, 'a')), expected);
  EXPECT_EQ(sha(std::string(65, 'a')), expected);
  EXPECT_EQ(sha(std::string(64, 'A')), expected);
  EXPECT_EQ(sha(""), expected);
  EXPECT_EQ(ErrorAfter([](json& m) { m["files"][0]["chunks"][0]["crc32c"] = "0123ABCD"; }),
            "files[0].chunks[0].crc32c: must be 8 lower-case hexadecimal digits");
}

TEST(ManifestTest, RefusesTextThatIsEmptyTruncatedOrTooLarge) {
  EXPECT_EQ(ErrorOf(""), "is empty");
  const std::string text = Valid().dump();
  for (size_t length = 1; length < text.size(); ++length) {
    EXPECT_THAT(ErrorOf(text.substr(0, length)), HasSubstr("not valid JSON")) << length;
  }
  ManifestLimits limits = TinyChunks();
  limits.max_bytes = 10;
  EXPECT_THAT(ErrorOf(text, limits), HasSubstr("at most 10 are read"));
  EXPECT_THAT(ErrorOf(text + "{}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("must be an object"));
}

TEST(ManifestTest, RefusesDeepNesting) {
  const std::string deep = std::string(10000, '[') + std::string(10000, ']');
  EXPECT_THAT(ErrorOf(deep), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(ErrorOf(absl::StrCat("{\"later\":", deep, "}")), HasSubstr("later[0][0]"));
}

TEST(ManifestTest, RefusesDuplicateKeysAndSaysWhere) {
  EXPECT_EQ(ErrorOf(R"({"version":1,"version":2})"), "version: stands there twice");
  EXPECT_EQ(ErrorOf(R"({"files":[{},{"size":1,"path":"a","size":2}]})"),
            "files[1].size: stands there twice");
}

TEST(ManifestTest, RefusesTooManyFiles) {
  ManifestLimits limits = TinyChunks();
  limits.max_files = 1;
  EXPECT_THAT(ErrorAfter([](json&) {}, limits), HasSubstr("at most 1 are read"));
}

TEST(ManifestTest, RefusesChunksThatDoNotCoverTheFile) {
  EXPECT_EQ(ErrorAfter([](json& m) { m["files"][0]["chunks"] = Chunks(3); }),
            "files[0].chunks: has 3 entries; 20 bytes in chunks of 10 need 2");
  EXPECT_THAT(ErrorAfter([](json& m) { m["chunk_size"] = 0; }), HasSubstr("chunk_size: must be"));
  EXPECT_EQ(ErrorOf(Valid().dump(), ManifestLimits()),
            "chunk_size: must be from 65536 to 1073741824");
}

TEST(ManifestTest, RefusesPathsOutOfOrderTwiceOrBelowAFile) {
  const auto paths = [](const std::string& first, const std::string& second) {
    return ErrorAfter([&](json& m) { m["files"] = {File(first, 20), File(second, 5)}; });
  };
  EXPECT_THAT(paths("b", "a"), HasSubstr("files[1].path: \"a\" must come after \"b\""));
  EXPECT_THAT(paths("a", "a"), HasSubstr("sorted and unique"));
  EXPECT_THAT(paths("a", "a/b/c"), HasSubstr("\"a\" is a file and the folder of \"a/b/c\""));
  EXPECT_EQ(paths("a-b", "a/b"), "none");
}

TEST(ManifestTest, RefusesATotalThatIsNotTheSum) {
  EXPECT_EQ(ErrorAfter([](json& m) { m["total_size"] = 24; }),
            "total_size: is 24, but the files add up to 25");
}

TEST(ManifestTest, RefusesOtherSchemasAndTimes) {
  EXPECT_EQ(ErrorAfter([](json& m) { m["schema_version"] = 2; }),
            "schema_version: is 2; this program reads 1");
  EXPECT_THAT(ErrorAfter([](json& m) { m["created_at"] = "yesterday"; }),
              HasSubstr("created_at: must be a time"));
}

TEST(ManifestTest, RefusesPathsThatLeaveTheVersion) {
  for (const char* path : {"../a", "/a", "a//b", "a/./b", "a/..", "a\\b", "", "a/"}) {
    EXPECT_THAT(ErrorAfter([&](json& m) { m["files"][0]["path"] = path; }),
                HasSubstr("files[0].path: "))
        << path;
  }
}

TEST(RelativePathTest, TellsSafeFromUnsafe) {
  for (const char* path : {"a", "variables/variables.data-00000-of-00001", "a b/ü/日本", "..a",
                           ".hidden", "a..b", "-"}) {
    EXPECT_TRUE(IsSafeRelativePath(path)) << path;
  }
  EXPECT_TRUE(IsSafeRelativePath(std::string(1024, 'x')));
  EXPECT_FALSE(IsSafeRelativePath(std::string(1025, 'x')));
  using absl::string_view;
  for (string_view path :
       {string_view(""), string_view("/"), string_view("."), string_view(".."),
        string_view("a\0b", 3), string_view("a\nb"), string_view("a\rb"), string_view("a\x7f"),
        string_view("\xff"), string_view("\xc0\xaf"), string_view("\xed\xa0\x80"),
        string_view("\xe2\x82"), string_view("\xf4\x90\x80\x80")}) {
    EXPECT_FALSE(IsSafeRelativePath(path)) << path;
  }
}

}  // namespace
}  // namespace tfserving_remote
