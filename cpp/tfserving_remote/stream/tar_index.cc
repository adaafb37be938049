// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/stream/tar_index.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

// Some headers and the small members between them.
constexpr uint64_t kStep = 32 << 10;

class Notes final : public MemberSink {
 public:
  explicit Notes(uint64_t archive_size) : archive_size_(archive_size) {}

  absl::StatusOr<absl::Span<char>> Begin(const std::string& path, uint64_t size,
                                         uint64_t offset) override {
    // Its bytes are passed over, so nobody else would notice.
    if (offset > archive_size_ || size > archive_size_ - offset) {
      return absl::DataLossError(absl::StrCat("is cut off in member \"", path, "\""));
    }
    members_.push_back({path, size, offset});
    return absl::Span<char>();
  }
  absl::Status Arrived(uint64_t) override { return absl::OkStatus(); }
  absl::Status End() override { return absl::OkStatus(); }

  std::vector<TarMember> Take() {
    std::sort(members_.begin(), members_.end(),
              [](const TarMember& a, const TarMember& b) { return a.path < b.path; });
    return std::move(members_);
  }

 private:
  const uint64_t archive_size_;
  std::vector<TarMember> members_;
};

}  // namespace

absl::StatusOr<std::vector<TarMember>> IndexTar(
    const UnpackOptions& options, uint64_t archive_size,
    const std::function<absl::Status(uint64_t offset, absl::Span<char> into)>& read) {
  uint64_t offset = 0;
  std::string step;
  const NextBytes next = [&]() -> absl::StatusOr<absl::Span<const char>> {
    step.resize(std::min(kStep, archive_size - offset));
    if (absl::Status status = read(offset, absl::MakeSpan(step)); !status.ok()) return status;
    offset += step.size();
    return absl::Span<const char>(step.data(), step.size());
  };
  const SkipBytes skip = [&](int64_t bytes) {
    const uint64_t skipped = std::min<uint64_t>(bytes, archive_size - offset);
    offset += skipped;
    return static_cast<int64_t>(skipped);
  };
  Notes notes(archive_size);
  if (absl::Status walked = UnpackArchive(options, next, notes, skip); !walked.ok()) return walked;
  return notes.Take();
}

}  // namespace tfserving_remote
