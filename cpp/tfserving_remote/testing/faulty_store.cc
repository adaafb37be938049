// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/faulty_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "tfserving_remote/store/store_status.h"

namespace tfserving_remote {
namespace {

absl::Status BrokenConnection(const std::string& url) {
  return StoreError(absl::StatusCode::kUnavailable, "GET", url, "the connection broke");
}

}  // namespace

void FaultyStore::Fail(Verb verb, absl::string_view key, absl::Status status, int times) {
  absl::MutexLock lock(&mu_);
  faults_.push_back({verb, std::string(key), std::move(status), times});
}

void FaultyStore::Hang(Verb verb, absl::string_view key) {
  absl::MutexLock lock(&mu_);
  faults_.push_back({verb, std::string(key), absl::OkStatus(), kForever});
}

void FaultyStore::Delay(Verb verb, absl::string_view key, absl::Duration delay, Clock& clock) {
  absl::MutexLock lock(&mu_);
  slowness_.push_back({verb, std::string(key), delay, &clock});
}

void FaultyStore::CutShort(absl::string_view key, uint64_t bytes, int times) {
  absl::MutexLock lock(&mu_);
  cuts_.push_back({std::string(key), bytes, times});
}

void FaultyStore::FlipBit(absl::string_view key, uint64_t at) {
  absl::MutexLock lock(&mu_);
  flips_.push_back({std::string(key), at});
}

void FaultyStore::Heal() {
  absl::MutexLock lock(&mu_);
  faults_.clear();
  slowness_.clear();
  cuts_.clear();
  flips_.clear();
}

void FaultyStore::WaitForHanging(int count) {
  absl::MutexLock lock(&mu_);
  const auto enough = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return hanging_ >= count; };
  mu_.Await(absl::Condition(&enough));
}

std::vector<std::string> FaultyStore::Calls(Verb verb) {
  std::vector<std::string> keys;
  absl::MutexLock lock(&mu_);
  for (const auto& [called, key] : calls_) {
    if (called == verb) keys.push_back(key);
  }
  return keys;
}

absl::StatusOr<Listing> FaultyStore::List(absl::string_view prefix, ListDepth depth,
                                          const StoreCallOptions& options) {
  if (absl::Status status = Suffer(Verb::kList, prefix, options); !status.ok()) return status;
  return behind_->List(prefix, depth, options);
}

absl::StatusOr<ObjectInfo> FaultyStore::Head(absl::string_view key,
                                             const StoreCallOptions& options) {
  if (absl::Status status = Suffer(Verb::kHead, key, options); !status.ok()) return status;
  return behind_->Head(key, options);
}

absl::Status FaultyStore::Read(absl::string_view key, absl::string_view tag, uint64_t offset,
                               absl::Span<char> into, const StoreCallOptions& options) {
  if (absl::Status status = Suffer(Verb::kRead, key, options); !status.ok()) return status;
  const uint64_t arrives = UseCut(key, into.size());
  const absl::Span<char> part = into.first(arrives);
  if (absl::Status status = behind_->Read(key, tag, offset, part, options); !status.ok()) {
    return status;
  }
  FlipBits(key, offset, part);
  return arrives == into.size() ? absl::OkStatus() : BrokenConnection(Url(key));
}

absl::StatusOr<ObjectStore::Content> FaultyStore::ReadAll(absl::string_view key, uint64_t max_bytes,
                                                          const StoreCallOptions& options) {
  if (absl::Status status = Suffer(Verb::kReadAll, key, options); !status.ok()) return status;
  absl::StatusOr<Content> content = behind_->ReadAll(key, max_bytes, options);
  if (!content.ok()) return content.status();
  if (UseCut(key, content->bytes.size()) < content->bytes.size()) {
    return BrokenConnection(Url(key));
  }
  FlipBits(key, 0, absl::MakeSpan(content->bytes));
  return content;
}

absl::Status FaultyStore::Suffer(Verb verb, absl::string_view key,
                                 const StoreCallOptions& options) {
  {
    absl::MutexLock lock(&mu_);
    calls_.emplace_back(verb, std::string(key));
  }
  if (absl::Status status = WaitOut(verb, key, options.cancellation); !status.ok()) return status;
  {
    absl::MutexLock lock(&mu_);
    const Fault* fault = FindFault(verb, key);
    if (fault == nullptr) return absl::OkStatus();
    if (!fault->status.ok()) {
      absl::Status status = fault->status;
      Fault& used = faults_[static_cast<size_t>(fault - faults_.data())];
      if (used.times > 0 && --used.times == 0) {
        faults_.erase(faults_.begin() + (fault - faults_.data()));
      }
      return status;
    }
  }
  return Hang(verb, key, options.cancellation);
}

const FaultyStore::Fault* FaultyStore::FindFault(Verb verb, absl::string_view key) const {
  const auto fault = std::find_if(faults_.begin(), faults_.end(), [verb, key](const Fault& f) {
    return f.verb == verb && absl::StartsWith(key, f.key);
  });
  return fault == faults_.end() ? nullptr : &*fault;
}

absl::Status FaultyStore::Hang(Verb verb, absl::string_view key, Cancellation* cancellation) {
  bool cancelled = false;
  const Cancellation::Registration registration(cancellation, [this, &cancelled] {
    absl::MutexLock lock(&mu_);
    cancelled = true;
  });
  absl::MutexLock lock(&mu_);
  ++hanging_;
  const auto ends = [this, verb, key, &cancelled]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return cancelled || FindFault(verb, key) == nullptr;
  };
  mu_.Await(absl::Condition(&ends));
  --hanging_;
  return cancelled ? absl::CancelledError("cancelled") : absl::OkStatus();
}

absl::Status FaultyStore::WaitOut(Verb verb, absl::string_view key, Cancellation* cancellation) {
  Slowness slowness{};
  {
    absl::MutexLock lock(&mu_);
    const auto found = std::find_if(slowness_.begin(), slowness_.end(), [&](const Slowness& s) {
      return s.verb == verb && absl::StartsWith(key, s.key);
    });
    if (found == slowness_.end()) return absl::OkStatus();
    slowness = *found;
  }
  if (slowness.clock->SleepFor(slowness.delay, cancellation)) return absl::OkStatus();
  return absl::CancelledError("cancelled");
}

uint64_t FaultyStore::UseCut(absl::string_view key, uint64_t length) {
  absl::MutexLock lock(&mu_);
  const auto cut = std::find_if(cuts_.begin(), cuts_.end(), [key, length](const Cut& c) {
    return absl::StartsWith(key, c.key) && c.bytes < length;
  });
  if (cut == cuts_.end()) return length;
  const uint64_t bytes = cut->bytes;
  if (cut->times > 0 && --cut->times == 0) cuts_.erase(cut);
  return bytes;
}

void FaultyStore::FlipBits(absl::string_view key, uint64_t offset, absl::Span<char> bytes) {
  absl::MutexLock lock(&mu_);
  for (const Flip& flip : flips_) {
    if (absl::StartsWith(key, flip.key) && flip.at >= offset && flip.at - offset < bytes.size()) {
      bytes[flip.at - offset] ^= 1;
    }
  }
}

}  // namespace tfserving_remote
