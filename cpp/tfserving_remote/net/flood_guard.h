// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_NET_FLOOD_GUARD_H_
#define TFSERVING_REMOTE_NET_FLOOD_GUARD_H_

#include <chrono>

namespace tfserving_remote {

/// Tokens that come back with time: how much of something a peer may do in a burst and for long.
class TokenBucket {
 public:
  TokenBucket(double burst, double per_second)
      : burst_(burst), per_second_(per_second), tokens_(burst) {}

  /// Takes one token. False when there is none.
  bool Take(std::chrono::steady_clock::time_point now);
  void GiveBack(double tokens);
  void Fill() { tokens_ = burst_; }

 private:
  const double burst_;
  const double per_second_;
  double tokens_;
  std::chrono::steady_clock::time_point last_ = {};
};

/// Notices a peer that makes work without making calls: floods of PING, of streams opened and reset
/// at once (CVE-2023-44487, also when the peer makes us reset them, CVE-2025-8671), of frames that
/// mean nothing. Each function is false when the connection should end.
///
/// Units:    frames.
/// Errors:   none.
/// Threads:  one at a time.
/// Lifetime: one per connection.
class FloodGuard {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Clients measure bandwidth with one ping per round trip while data flows, hence SawProgress.
  bool OnPing(Time now) { return pings_.Take(now); }
  bool OnReset(Time now) { return resets_.Take(now); }
  bool OnIdleFrame(Time now) { return idle_frames_.Take(now); }
  /// We sent DATA or HEADERS.
  void SawProgress() {
    pings_.Fill();
    idle_frames_.GiveBack(1);
  }
  /// A call ran to its end.
  void SawCall() { resets_.GiveBack(1); }

 private:
  TokenBucket pings_{100, 2};
  TokenBucket resets_{1000, 100};
  TokenBucket idle_frames_{1000, 100};
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_NET_FLOOD_GUARD_H_
