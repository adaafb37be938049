// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/store/local/local_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
      return absl::StatusCode::kInvalidArgument;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    default:
      // EIO, ESTALE, ETIMEDOUT of network mounts among them: they may pass.
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status FileError(absl::string_view verb, absl::string_view path, int error) {
  return StoreError(CodeOf(error), verb, path, std::strerror(error));
}

absl::StatusOr<ObjectInfo> InfoOf(const struct stat& facts, absl::string_view verb,
                                  absl::string_view path) {
  if (!S_ISREG(facts.st_mode)) {
    return StoreError(absl::StatusCode::kNotFound, verb, path,
                      S_ISDIR(facts.st_mode) ? "is a folder, not a file" : "is no regular file");
  }
  ObjectInfo info;
  info.key = std::string(path);
  info.size = static_cast<uint64_t>(facts.st_size);
  info.tag = absl::StrCat(facts.st_dev, "-", facts.st_ino, "-", facts.st_size, "-",
                          facts.st_mtim.tv_sec, ".", facts.st_mtim.tv_nsec);
  return info;
}

absl::StatusOr<LocalFile> LocalFile::Open(absl::string_view verb, absl::string_view path) {
  int descriptor = -1;
  do {
    descriptor = open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return FileError(verb, path, errno);
  LocalFile file(descriptor);
  if (const absl::StatusOr<ObjectInfo> info = file.Info(verb, path); !info.ok()) {
    return info.status();
  }
  return file;
}

LocalFile::~LocalFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<ObjectInfo> LocalFile::Info(absl::string_view verb, absl::string_view path) const {
  struct stat facts;
  if (fstat(descriptor_, &facts) != 0) return FileError(verb, path, errno);
  return InfoOf(facts, verb, path);
}

}  // namespace tfserving_remote
