// SPDX-License-Identifier: Apache-2.0
// Written byte by byte, since no archiver writes the archives that a reader must refuse.
#include "tfserving_remote/stream/test_archives.h"

#include <zlib.h>
#include <zstd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tfserving_remote {
namespace {

using Kind = TestMember::Kind;

constexpr size_t kTarBlock = 512;

void Pad(std::string& tar) { tar.resize((tar.size() + kTarBlock - 1) / kTarBlock * kTarBlock); }

std::string Header(const std::string& path, size_t size, char type) {
  std::string header(kTarBlock, '\0');
  const auto put = [&header](size_t offset, const std::string& text) {
    std::memcpy(header.data() + offset, text.data(), text.size());
  };
  put(0, path.substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, absl::StrFormat("%011o", size));
  put(136, "00000000000");
  put(148, std::string(8, ' '));
  header[156] = type;
  if (type == '1' || type == '2') put(157, "/etc/passwd");
  put(257, std::string("ustar\00000", 8));
  unsigned sum = 0;
  for (unsigned char c : header) sum += c;
  put(148, absl::StrFormat("%06o", sum));
  return header;
}

// One "length key=value\n" record of an extended header; the length counts itself.
std::string Record(const std::string& key, const std::string& value) {
  const std::string rest = absl::StrCat(" ", key, "=", value, "\n");
  size_t length = rest.size() + 1;
  while (absl::StrCat(length).size() + rest.size() != length) ++length;
  return absl::StrCat(length, rest);
}

std::string ExtendedRecords(const TestMember& member) {
  std::string records;
  if (member.path.size() > 100) records += Record("path", member.path);
  if (member.kind == Kind::kSparse) {
    records += Record("GNU.sparse.size", "1048576");
    records += Record("GNU.sparse.numblocks", "1");
    records += Record("GNU.sparse.map", absl::StrCat("0,", member.bytes.size()));
  }
  return records;
}

char TypeOf(Kind kind) {
  switch (kind) {
    case Kind::kHardLink:
      return '1';
    case Kind::kSymbolicLink:
      return '2';
    case Kind::kDevice:
      return '3';
    case Kind::kFolder:
      return '5';
    default:
      return '0';
  }
}

std::string Tar(const std::vector<TestMember>& members) {
  std::string tar;
  for (const TestMember& member : members) {
    const std::string records = ExtendedRecords(member);
    if (!records.empty()) {
      tar += Header("x", records.size(), 'x');
      tar += records;
      Pad(tar);
    }
    tar += Header(member.path, member.bytes.size(), TypeOf(member.kind));
    tar += member.bytes;
    Pad(tar);
  }
  return tar + std::string(2 * kTarBlock, '\0');
}

std::string Gzip(std::string bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = bytes.size();
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = packed.size();
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(const std::string& bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3));
  return packed;
}

}  // namespace

std::string PackMembers(VersionPacking packing, const std::vector<TestMember>& members) {
  std::string tar = Tar(members);
  if (packing == VersionPacking::kTarGz) return Gzip(std::move(tar));
  if (packing == VersionPacking::kTarZst) return Zstd(tar);
  return tar;
}

std::string PackFiles(VersionPacking packing, const TestFiles& files, const std::string& folder) {
  std::vector<TestMember> members;
  if (!folder.empty()) members.push_back({folder, "", Kind::kFolder});
  for (const auto& [path, bytes] : files) members.push_back({folder + path, bytes});
  return PackMembers(packing, members);
}

}  // namespace tfserving_remote
