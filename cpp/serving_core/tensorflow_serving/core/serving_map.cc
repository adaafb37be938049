// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_serving/core/serving_map.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/base/prefetch.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "tensorflow_serving/util/read_section.h"

namespace tensorflow {
namespace serving {
namespace internal {
size_t ServableUse::NumCounts() {
  static const size_t num_cores = std::thread::hardware_concurrency();
  size_t num_counts = 8;
  while (num_counts < 64 && num_counts < num_cores) num_counts *= 2;
  return num_counts;
}

ServableUse::ServableUse(const ServableId& id, Loader* loader, std::shared_ptr<Count> first_count)
    : id_(id), loader_(loader), first_count_(std::move(first_count)), counts_left_(NumCounts()) {
  for (size_t i = 0; i < NumCounts(); ++i) *CountOf(first_count_.get(), i) = 1;
}

std::shared_ptr<ServableUse> ServableUse::Create(const ServableId& id, Loader* loader,
                                                 std::shared_ptr<Count> first_count) {
  std::shared_ptr<ServableUse> use(new ServableUse(id, loader, std::move(first_count)));
  absl::MutexLock lock(&use->mu_);
  use->self_ = use;
  return use;
}

void ServableUse::GiveUp() {
  for (size_t i = NumCounts(); i > 0; --i) LetGo(CountOf(first_count_.get(), i - 1));
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

// What a lookup needs of one servable.
struct ServingMap::Ready {
  int64_t version;
  ServableUse* use;
  ServableUse::Count* first_count;
  Loader* loader;
};

// The ready versions of one stream. Immutable once readers can see it.
struct ServingMap::Stream {
  // Null if there is none.
  const Ready* Find(const absl::optional<int64_t>& version,
                    ServableRequest::AutoVersionPolicy auto_version_policy) const {
    if (version) return Find(*version);
    if (ready.empty()) return nullptr;
    const bool earliest = auto_version_policy == ServableRequest::AutoVersionPolicy::kEarliest;
    return earliest ? &ready.front() : &ready.back();
  }
  const Ready* Find(int64_t version) const {
    for (const Ready& one : ready) {
      if (one.version == version) return &one;
    }
    return nullptr;
  }

  std::string name;
  // Ascending; one is the rule. The map's part in their counts keeps them.
  absl::InlinedVector<Ready, 1> ready;
};

// Open addressing. A stream keeps its slot when it has no version any more.
class ServingMap::Table {
 public:
  explicit Table(size_t num_slots)
      : num_slots_(num_slots), slots_(new Slot[num_slots]), owned_(num_slots) {}

  static size_t HashOf(absl::string_view name) { return absl::HashOf(name); }

  const Stream* Find(size_t hash, absl::string_view name) const {
    return slots_[SlotOf(hash, name)].stream.load();
  }
  template <typename Function>
  void ForEach(const Function& function) const {
    for (size_t i = 0; i < num_slots_; ++i) {
      const Stream* const stream = slots_[i].stream.load();
      if (stream != nullptr) function(*stream);
    }
  }

  // For the writer. Returns what was there.
  std::shared_ptr<const Stream> Put(size_t hash, std::shared_ptr<const Stream> stream) {
    const size_t i = SlotOf(hash, stream->name);
    Slot& slot = slots_[i];
    if (owned_[i] == nullptr) {
      slot.hash = hash;
      ++num_taken_;
    } else if (owned_[i]->ready.empty()) {
      --num_empty_;
    }
    if (stream->ready.empty()) ++num_empty_;
    slot.stream.store(stream.get());
    owned_[i].swap(stream);
    return stream;
  }
  bool HasRoom() const { return (num_taken_ + 1) * 2 <= num_slots_; }
  bool IsMostlyEmpty() const { return num_empty_ > 16 && num_empty_ > num_taken_ * 3 / 4; }

  std::shared_ptr<Table> WithoutEmptyStreams() const {
    size_t num_slots = 16;
    while (num_slots < (num_taken_ - num_empty_) * 4) num_slots *= 2;
    auto table = std::make_shared<Table>(num_slots);
    for (size_t i = 0; i < num_slots_; ++i) {
      if (owned_[i] == nullptr || owned_[i]->ready.empty()) continue;
      table->Put(slots_[i].hash, owned_[i]);
    }
    return table;
  }

 private:
  struct Slot {
    // Written once, before `stream`.
    size_t hash = 0;
    std::atomic<const Stream*> stream{nullptr};
  };

  // Where the stream is, or is to be put.
  size_t SlotOf(size_t hash, absl::string_view name) const {
    for (size_t i = hash & (num_slots_ - 1);; i = (i + 1) & (num_slots_ - 1)) {
      const Stream* const stream = slots_[i].stream.load();
      if (stream == nullptr || (slots_[i].hash == hash && stream->name == name)) return i;
    }
  }

  const size_t num_slots_;  // a power of two
  const std::unique_ptr<Slot[]> slots_;

  // Not for readers.
  std::vector<std::shared_ptr<const Stream>> owned_;
  size_t num_taken_ = 0;
  size_t num_empty_ = 0;
};

// Holds one servable, by nothing but a count.
class ServingMap::Handle final : public UntypedServableHandle {
 public:
  Handle(const Ready& ready, ServableUse::Count* count)
      : use_(ready.use), count_(count), loader_(ready.loader) {}
  ~Handle() override { use_->LetGo(count_); }

  const ServableId& id() const override { return use_->id(); }
  AnyPtr servable() override { return loader_->servable(); }

 private:
  ServableUse* const use_;
  ServableUse::Count* const count_;
  Loader* const loader_;
};

ServingMap::ServingMap() : owned_table_(std::make_shared<Table>(16)) {
  table_.store(owned_table_.get());
}

ServingMap::~ServingMap() {
  absl::MutexLock lock(&update_mu_);
  owned_table_->ForEach([](const Stream& stream) {
    for (const Ready& ready : stream.ready) ready.use->shared_from_this()->GiveUp();
  });
}

void ServingMap::Add(const ServableId& id, Loader* loader) {
  std::shared_ptr<ServableUse> replaced;
  {
    absl::MutexLock lock(&update_mu_);
    const std::shared_ptr<ServableUse> use = ServableUse::Create(id, loader, TakeCounts());
    replaced = Replace(id, use.get());
  }
  if (replaced != nullptr) replaced->GiveUp();
}

std::shared_ptr<ServableUse> ServingMap::Remove(const ServableId& id) {
  std::shared_ptr<ServableUse> removed;
  {
    absl::MutexLock lock(&update_mu_);
    removed = Replace(id, nullptr);
    if (owned_table_->IsMostlyEmpty()) Rebuild();
  }
  if (removed != nullptr) removed->GiveUp();
  return removed;
}

std::shared_ptr<ServableUse> ServingMap::Replace(const ServableId& id, ServableUse* use) {
  const size_t hash = Table::HashOf(id.name);
  const Stream* const present = owned_table_->Find(hash, id.name);
  const Ready* const replaced = present == nullptr ? nullptr : present->Find(id.version);
  if (replaced == nullptr && use == nullptr) return nullptr;
  if (present == nullptr && !owned_table_->HasRoom()) Rebuild();

  auto next = std::make_shared<Stream>();
  next->name = id.name;
  if (present != nullptr) {
    for (const Ready& ready : present->ready) {
      if (&ready != replaced) next->ready.push_back(ready);
    }
  }
  if (use != nullptr) {
    const auto after = std::find_if(next->ready.begin(), next->ready.end(),
                                    [&](const Ready& ready) { return ready.version > id.version; });
    next->ready.insert(after, {id.version, use, use->first_count(), use->loader()});
  }
  std::shared_ptr<ServableUse> replaced_use;
  if (replaced != nullptr) replaced_use = replaced->use->shared_from_this();
  Unlink(owned_table_->Put(hash, std::move(next)));
  Unlink(replaced_use);
  return replaced_use;
}

std::shared_ptr<ServableUse::Count> ServingMap::TakeCounts() {
  if (num_counts_taken_ == ServableUse::kServablesOfLine) {
    count_lines_.reset(new ServableUse::CountLine[num_counts_]);
    num_counts_taken_ = 0;
  }
  return {count_lines_, &count_lines_[0].counts[num_counts_taken_++]};
}

void ServingMap::Rebuild() {
  std::shared_ptr<Table> table = owned_table_->WithoutEmptyStreams();
  table_.store(table.get());
  owned_table_.swap(table);
  Unlink(std::move(table));
}

void ServingMap::Unlink(std::shared_ptr<const void> object) {
  if (object == nullptr) return;
  unlinked_.push_back({BeginPeriod(), std::move(object)});
  const uint64_t oldest = OldestReader();
  const auto still_read = std::find_if(unlinked_.begin(), unlinked_.end(),
                                       [&](const Unlinked& one) { return one.period > oldest; });
  unlinked_.erase(unlinked_.begin(), still_read);
}

std::unique_ptr<UntypedServableHandle> ServingMap::Find(
    absl::string_view name, const absl::optional<int64_t>& version,
    ServableRequest::AutoVersionPolicy auto_version_policy) const {
  const size_t hash = Table::HashOf(name);
  Ready found;
  ServableUse::Count* count = nullptr;
  {
    const ReadSection section;
    const size_t i = section.thread() & (num_counts_ - 1);
    // What cannot be held any more is not in the newest table any more either: look again.
    do {
      const Stream* const stream = table_.load()->Find(hash, name);
      if (stream == nullptr) return nullptr;
      const Ready* const ready = stream->Find(version, auto_version_policy);
      if (ready == nullptr) return nullptr;
      found = *ready;
      absl::PrefetchToLocalCache(found.loader);
      count = ServableUse::CountOf(found.first_count, i);
    } while (ABSL_PREDICT_FALSE(!ServableUse::Hold(count)));
  }
  return std::make_unique<Handle>(found, count);
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

std::vector<std::unique_ptr<UntypedServableHandle>> ServingMap::FindAll(
    const std::string& name) const {
  const size_t hash = Table::HashOf(name);
  std::vector<std::unique_ptr<UntypedServableHandle>> handles;
  for (bool complete = false; !complete;) {
    handles.clear();  // without a section: the last one to let go may call anything
    const ReadSection section;
    const size_t i = section.thread() & (num_counts_ - 1);
    const Stream* const stream = table_.load()->Find(hash, name);
    if (stream == nullptr) break;
    complete = true;
    for (const Ready& ready : stream->ready) {
      ServableUse::Count* const count = ServableUse::CountOf(ready.first_count, i);
      if (ServableUse::Hold(count)) {
        handles.push_back(std::make_unique<Handle>(ready, count));
      } else {
        complete = false;
      }
    }
  }
  return handles;
}

std::map<ServableId, std::unique_ptr<UntypedServableHandle>> ServingMap::GetHandles() const {
  std::map<ServableId, std::unique_ptr<UntypedServableHandle>> handles;
  for (const ServableId& id : GetIds()) {
    if (handles.count(id) > 0) continue;
    for (auto& handle : FindAll(id.name)) {
      const ServableId& found = handle->id();
      handles.try_emplace(found, std::move(handle));
    }
  }
  return handles;
}

std::vector<ServableId> ServingMap::GetIds() const {
  std::vector<ServableId> ids;
  const ReadSection section;
  table_.load()->ForEach([&](const Stream& stream) {
    for (const Ready& ready : stream.ready) ids.push_back({stream.name, ready.version});
  });
  return ids;
}

}  // namespace internal
}  // namespace serving
}  // namespace tensorflow
