// SPDX-License-Identifier: Apache-2.0
#ifndef TENSORFLOW_SERVING_CORE_SOURCE_ROUTER_H_
#define TENSORFLOW_SERVING_CORE_SOURCE_ROUTER_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/log/log.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tensorflow_serving/core/servable_data.h"
#include "tensorflow_serving/core/source.h"
#include "tensorflow_serving/core/target.h"

namespace tensorflow {
namespace serving {

// A target that passes each list on through one of several sources, its output ports.
//
// Units:    as Source.
// Errors:   a list without a route is dropped; a route to a port that does not exist is logged and
//           its list dropped (debug builds end).
// Threads:  Route calls are serialised. A list waits until GetOutputPorts was called and the port
//           it goes to has its callback, or for the router's end.
// Lifetime: as TargetBase: the leaf class calls Detach() first thing in its destructor. The router
//           owns the ports.
template <typename T>
class SourceRouter : public TargetBase<T> {
 public:
  // What Route returns for a list that nobody shall hear of.
  static constexpr int kNoRoute = -1;

  ~SourceRouter() override = 0;

  // The same ports, in the order of their numbers, at each call.
  std::vector<Source<T>*> GetOutputPorts() {
    // Asked outside the lock, because the derived class answers; the answer never changes.
    const int num_ports = num_output_ports();
    if (num_ports < 1) LOG(DFATAL) << "A router needs at least 1 output port, has " << num_ports;
    absl::MutexLock lock(&mu_);
    if (ports_.empty()) MakePorts(std::max(num_ports, 1));
    std::vector<Source<T>*> ports;
    for (const std::unique_ptr<Port>& port : ports_) ports.push_back(port.get());
    return ports;
  }

  void SetAspiredVersions(const absl::string_view servable_name,
                          std::vector<ServableData<T>> versions) final {
    if (!this->gate_.AwaitOpen(kPortsMade)) return;
    const int route = Route(servable_name, versions);
    if (route == kNoRoute) return;
    const Port* const port = FindPort(route);
    if (port == nullptr) {
      LOG(DFATAL) << "Servable " << servable_name << " was routed to port " << route
                  << ", which does not exist";
      return;
    }
    if (!this->gate_.AwaitOpen(kFirstPortWired + route)) return;
    port->callback(servable_name, std::move(versions));
  }

 protected:
  SourceRouter() = default;

  // The same at each call; at least 1.
  virtual int num_output_ports() const = 0;

  // The number of the port that this list goes to, from 0, or kNoRoute.
  virtual int Route(const absl::string_view servable_name,
                    const std::vector<ServableData<T>>& versions) = 0;

 private:
  // The doors of gate_.
  static constexpr int kPortsMade = 0;
  static constexpr int kFirstPortWired = 1;

  struct Port final : public Source<T> {
    explicit Port(std::function<void()> wired) : announce_wired(std::move(wired)) {}

    void SetAspiredVersionsCallback(
        typename Source<T>::AspiredVersionsCallback outgoing_callback) override {
      callback = std::move(outgoing_callback);
      announce_wired();
    }

    const std::function<void()> announce_wired;
    // Set once, before the port's door opens; read only behind it.
    typename Source<T>::AspiredVersionsCallback callback;
  };

  void MakePorts(int num_ports) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (int i = 0; i < num_ports; ++i) {
      ports_.push_back(
          std::make_unique<Port>([this, i] { this->gate_.Open(kFirstPortWired + i); }));
    }
    this->gate_.Open(kPortsMade);
  }

  const Port* FindPort(int number) const {
    absl::MutexLock lock(&mu_);
    if (number < 0 || number >= static_cast<int>(ports_.size())) return nullptr;
    return ports_[number].get();
  }

  mutable absl::Mutex mu_;
  // Made once.
  std::vector<std::unique_ptr<Port>> ports_ ABSL_GUARDED_BY(mu_);
};

template <typename T>
SourceRouter<T>::~SourceRouter() = default;

}  // namespace serving
}  // namespace tensorflow

#endif  // TENSORFLOW_SERVING_CORE_SOURCE_ROUTER_H_
