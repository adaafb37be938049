// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/io_loop.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace tfserving_remote {
namespace {

// Large enough that a big message costs few system calls, small enough for the second-level cache.
constexpr size_t kReadBufferBytes = 256 << 10;

thread_local const IoLoop* current_loop = nullptr;

}  // namespace

IoLoop::IoLoop() : work_(context_.get_executor()), read_buffer_(kReadBufferBytes) {}

IoLoop::~IoLoop() { Stop(); }

void IoLoop::Start() {
  thread_ = std::thread([this] {
    current_loop = this;
    context_.run();
  });
}

void IoLoop::Stop() {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] {
    RunMailbox();
    // Not context_.stop(): waits that were cancelled must still run, since they hold their owners.
    work_.reset();
  });
  thread_.join();
  std::vector<std::function<void()>> left;
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    left.swap(mailbox_);
  }
  for (auto& task : left) task();
}

bool IoLoop::on_loop_thread() const { return current_loop == this; }

void IoLoop::Post(std::function<void()> task) {
  bool announced = false;
  {
    absl::MutexLock lock(&mu_);
    // A mailbox with something in it has been announced already.
    announced = !mailbox_.empty();
    if (!closed_) mailbox_.push_back(std::move(task));
  }
  if (task != nullptr) {
    task();
  } else if (!announced) {
    boost::asio::post(context_, [this] { RunMailbox(); });
  }
}

void IoLoop::Run(std::function<void()> task) {
  if (on_loop_thread()) {
    task();
  } else {
    Post(std::move(task));
  }
}

void IoLoop::RunMailbox() {
  std::vector<std::function<void()>> tasks;
  {
    absl::MutexLock lock(&mu_);
    tasks.swap(mailbox_);
  }
  for (auto& task : tasks) task();
  FinishBatch();
}

void IoLoop::AfterBatch(std::function<void()> task) { after_batch_.push_back(std::move(task)); }

void IoLoop::FinishBatch() {
  while (!after_batch_.empty()) {
    std::vector<std::function<void()>> tasks;
    tasks.swap(after_batch_);
    for (auto& task : tasks) task();
  }
}

}  // namespace tfserving_remote
