// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/serving_map.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "tensorflow_serving/util/read_section.h"

namespace tensorflow {
namespace serving {
namespace internal {
namespace {

// A power of two: one count for each core, within reason.
size_t NumCounts() {
  static const size_t num_cores = std::thread::hardware_concurrency();
  size_t num_counts = 8;
  while (num_counts < 64 && num_counts < num_cores) num_counts *= 2;
  return num_counts;
}

// Holds one servable, by nothing but a count.
class CountedHandle final : public UntypedServableHandle {
 public:
  CountedHandle(ServableUse* use, ServableUse::Count* count) : use_(use), count_(count) {}
  ~CountedHandle() override { use_->LetGo(count_); }

  const ServableId& id() const override { return use_->id(); }
  AnyPtr servable() override { return use_->loader()->servable(); }

 private:
  ServableUse* const use_;
  ServableUse::Count* const count_;
};

}  // namespace

ServableUse::ServableUse(const ServableId& id, Loader* loader)
    : loader_(loader),
      num_counts_(NumCounts()),
      counts_(new Count[num_counts_]),
      id_(id),
      counts_left_(num_counts_) {}

std::shared_ptr<ServableUse> ServableUse::Create(const ServableId& id, Loader* loader) {
  std::shared_ptr<ServableUse> use(new ServableUse(id, loader));
  absl::MutexLock lock(&use->mu_);
  use->self_ = use;
  return use;
}

ServableUse::Count* ServableUse::Hold(size_t thread) {
  Count* const count = &counts_[thread & (num_counts_ - 1)];
  uint64_t holders = count->holders.load(std::memory_order_acquire);
  do {
    if (holders == 0) return nullptr;
  } while (!count->holders.compare_exchange_weak(holders, holders + 1, std::memory_order_acquire));
  return count;
}

void ServableUse::LetGo(Count* count) {
  if (ABSL_PREDICT_FALSE(count->holders.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
    CountIsOver();
  }
}

void ServableUse::GiveUp() {
  for (size_t i = 0; i < num_counts_; ++i) LetGo(&counts_[i]);
}

void ServableUse::CountIsOver() {
  if (counts_left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::shared_ptr<ServableUse> self;  // dies last of all, and perhaps `this` with it
  std::function<void()> idle;
  {
    absl::MutexLock lock(&mu_);
    is_idle_ = true;
    idle.swap(idle_);
    self.swap(self_);
  }
  if (idle) idle();
}

bool ServableUse::IsIdle() const {
  absl::MutexLock lock(&mu_);
  return is_idle_;
}

void ServableUse::CallWhenIdle(std::function<void()> idle) {
  {
    absl::MutexLock lock(&mu_);
    if (!is_idle_) idle.swap(idle_);
  }
  if (idle) idle();
}

// The ready versions of one stream, in ascending order. Immutable once readers can see it.
struct ServingMap::Versions {
  struct Ready {
    int64_t version;
    std::shared_ptr<ServableUse> use;
  };

  ServableUse* Find(const absl::optional<int64_t>& version,
                    ServableRequest::AutoVersionPolicy auto_version_policy) const {
    if (version) return Find(*version);
    const bool earliest = auto_version_policy == ServableRequest::AutoVersionPolicy::kEarliest;
    return (earliest ? ready.front() : ready.back()).use.get();
  }
  ServableUse* Find(int64_t version) const {
    for (const Ready& one : ready) {
      if (one.version == version) return one.use.get();
    }
    return nullptr;
  }

  // Not empty. One or two are the rule.
  absl::InlinedVector<Ready, 2> ready;
};

struct ServingMap::Stream {
  Stream(size_t hash_in, const std::string& name_in) : hash(hash_in), name(name_in) {}

  const size_t hash;
  const std::string name;
  // Null if no version is ready.
  std::atomic<const Versions*> versions{nullptr};
  // The same, for the writer.
  std::shared_ptr<const Versions> owned_versions;
};

// Open addressing. Streams come to stay: a table that holds too many without versions is replaced.
class ServingMap::Table {
 public:
  explicit Table(size_t num_slots) : num_slots_(num_slots), slots_(new Slot[num_slots]) {}

  static size_t HashOf(absl::string_view name) { return absl::HashOf(name); }

  Stream* Find(size_t hash, absl::string_view name) const {
    for (size_t i = hash;; ++i) {
      const Slot& slot = slots_[i & (num_slots_ - 1)];
      Stream* const stream = slot.stream.load(std::memory_order_acquire);
      if (stream == nullptr) return nullptr;
      if (slot.hash == hash && stream->name == name) return stream;
    }
  }

  // For the writer. There must be room.
  Stream* Add(std::shared_ptr<Stream> stream) {
    size_t i = stream->hash;
    while (slots_[i & (num_slots_ - 1)].stream.load(std::memory_order_relaxed) != nullptr) ++i;
    Slot& slot = slots_[i & (num_slots_ - 1)];
    slot.hash = stream->hash;
    slot.stream.store(stream.get(), std::memory_order_release);
    streams_.push_back(std::move(stream));
    return streams_.back().get();
  }
  bool HasRoom() const { return (streams_.size() + 1) * 2 <= num_slots_; }
  const std::vector<std::shared_ptr<Stream>>& streams() const { return streams_; }

  template <typename Function>
  void ForEach(const Function& function) const {
    for (size_t i = 0; i < num_slots_; ++i) {
      const Stream* const stream = slots_[i].stream.load(std::memory_order_acquire);
      if (stream != nullptr) function(*stream);
    }
  }

 private:
  struct Slot {
    // Written before `stream`, once.
    size_t hash = 0;
    std::atomic<Stream*> stream{nullptr};
  };

  const size_t num_slots_;  // a power of two
  const std::unique_ptr<Slot[]> slots_;
  std::vector<std::shared_ptr<Stream>> streams_;  // not for readers
};

ServingMap::ServingMap() : owned_table_(std::make_shared<Table>(16)) {
  table_.store(owned_table_.get());
}

ServingMap::~ServingMap() {
  absl::MutexLock lock(&update_mu_);
  for (const std::shared_ptr<Stream>& stream : owned_table_->streams()) {
    if (stream->owned_versions == nullptr) continue;
    for (const auto& ready : stream->owned_versions->ready) ready.use->GiveUp();
  }
}

void ServingMap::Add(const ServableId& id, Loader* loader) {
  const std::shared_ptr<ServableUse> use = ServableUse::Create(id, loader);
  std::shared_ptr<ServableUse> replaced;
  {
    absl::MutexLock lock(&update_mu_);
    replaced = Replace(FindOrAddStream(id.name), id.version, use);
  }
  if (replaced != nullptr) replaced->GiveUp();
}

std::shared_ptr<ServableUse> ServingMap::Remove(const ServableId& id) {
  std::shared_ptr<ServableUse> removed;
  {
    absl::MutexLock lock(&update_mu_);
    Stream* const stream = owned_table_->Find(Table::HashOf(id.name), id.name);
    if (stream == nullptr || stream->owned_versions == nullptr) return nullptr;
    removed = Replace(stream, id.version, nullptr);
    if (num_empty_streams_ > 16 && num_empty_streams_ > owned_table_->streams().size() * 3 / 4) {
      Rebuild();
    }
  }
  if (removed != nullptr) removed->GiveUp();
  return removed;
}

ServingMap::Stream* ServingMap::FindOrAddStream(const std::string& name) {
  const size_t hash = Table::HashOf(name);
  Stream* const stream = owned_table_->Find(hash, name);
  if (stream != nullptr) return stream;
  if (!owned_table_->HasRoom()) Rebuild();
  ++num_empty_streams_;
  return owned_table_->Add(std::make_shared<Stream>(hash, name));
}

void ServingMap::Rebuild() {
  const size_t num_streams = owned_table_->streams().size() - num_empty_streams_;
  size_t num_slots = 16;
  while (num_slots < num_streams * 4) num_slots *= 2;
  auto next = std::make_shared<Table>(num_slots);
  for (const std::shared_ptr<Stream>& stream : owned_table_->streams()) {
    if (stream->owned_versions != nullptr) next->Add(stream);
  }
  num_empty_streams_ = 0;
  table_.store(next.get());
  owned_table_.swap(next);
  Unlink(std::move(next));
}

std::shared_ptr<ServableUse> ServingMap::Replace(Stream* stream, int64_t version,
                                                 std::shared_ptr<ServableUse> use) {
  auto next = std::make_shared<Versions>();
  std::shared_ptr<ServableUse> replaced;
  if (stream->owned_versions != nullptr) {
    for (const Versions::Ready& ready : stream->owned_versions->ready) {
      if (ready.version == version) {
        replaced = ready.use;
      } else {
        next->ready.push_back(ready);
      }
    }
  }
  if (use != nullptr) {
    const auto after =
        std::find_if(next->ready.begin(), next->ready.end(),
                     [&](const Versions::Ready& ready) { return ready.version > version; });
    next->ready.insert(after, {version, std::move(use)});
  }
  if (next->ready.empty()) next = nullptr;
  if (stream->owned_versions == nullptr && next != nullptr) --num_empty_streams_;
  if (stream->owned_versions != nullptr && next == nullptr) ++num_empty_streams_;
  stream->versions.store(next.get());
  Unlink(std::exchange(stream->owned_versions, std::move(next)));
  return replaced;
}

void ServingMap::Unlink(std::shared_ptr<const void> object) {
  if (object == nullptr) return;
  unlinked_.push_back({BeginPeriod(), std::move(object)});
  FreeWhatNobodyReads();
}

void ServingMap::FreeWhatNobodyReads() {
  const uint64_t oldest = OldestReader();
  const auto still_read = std::find_if(unlinked_.begin(), unlinked_.end(),
                                       [&](const Unlinked& one) { return one.period > oldest; });
  unlinked_.erase(unlinked_.begin(), still_read);
}

std::unique_ptr<UntypedServableHandle> ServingMap::Find(
    absl::string_view name, const absl::optional<int64_t>& version,
    ServableRequest::AutoVersionPolicy auto_version_policy) const {
  ServableUse* use = nullptr;
  ServableUse::Count* count = nullptr;
  const size_t hash = Table::HashOf(name);
  {
    const ReadSection section;
    const Stream* const stream = table_.load()->Find(hash, name);
    if (stream == nullptr) return nullptr;
    // What cannot be held any more is not among the versions any more either: look again.
    do {
      const Versions* const versions = stream->versions.load();
      use = versions == nullptr ? nullptr : versions->Find(version, auto_version_policy);
      if (use == nullptr) return nullptr;
      count = use->Hold(section.thread());
    } while (ABSL_PREDICT_FALSE(count == nullptr));
  }
  return std::make_unique<CountedHandle>(use, count);
}

absl::Status ServingMap::Find(const ServableRequest& request,
                              std::unique_ptr<UntypedServableHandle>* handle) const {
  auto found = Find(request.name, request.version, request.auto_version_policy);
  if (ABSL_PREDICT_FALSE(found == nullptr)) {
    return absl::NotFoundError(
        absl::StrCat("Servable not found for request: ", request.DebugString()));
  }
  *handle = std::move(found);
  return absl::OkStatus();
}

std::vector<ServingMap::Held> ServingMap::HoldAllVersions(const std::string& name) const {
  std::vector<Held> held;
  const size_t hash = Table::HashOf(name);
  bool held_all = false;
  while (!held_all) {
    // Without a section: the last one to let go may call anything.
    for (const Held& one : std::exchange(held, {})) one.use->LetGo(one.count);
    const ReadSection section;
    const Stream* const stream = table_.load()->Find(hash, name);
    const Versions* const versions = stream == nullptr ? nullptr : stream->versions.load();
    if (versions == nullptr) return {};
    held_all = true;
    for (const Versions::Ready& ready : versions->ready) {
      ServableUse::Count* const count = ready.use->Hold(section.thread());
      if (count == nullptr) {
        held_all = false;
      } else {
        held.push_back({ready.use.get(), count});
      }
    }
  }
  return held;
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>> ServingMap::GetHandles() const {
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> handles;
  std::string last_name;
  for (const ServableId& id : GetIds()) {
    if (!handles.empty() && id.name == last_name) continue;
    last_name = id.name;
    for (const Held& held : HoldAllVersions(id.name)) {
      auto handle = std::make_unique<CountedHandle>(held.use, held.count);
      handles.emplace(held.use->id(), std::move(handle));
    }
  }
  return handles;
}

std::vector<ServableId> ServingMap::GetIds() const {
  std::vector<ServableId> ids;
  const ReadSection section;
  table_.load()->ForEach([&](const Stream& stream) {
    const Versions* const versions = stream.versions.load();
    if (versions == nullptr) return;
    for (const auto& ready : versions->ready) ids.push_back({stream.name, ready.version});
  });
  return ids;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow
