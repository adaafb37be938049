// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_TEST_CERTIFICATE_H_
#define TFSERVING_REMOTE_TESTING_TEST_CERTIFICATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tfserving_remote {

/// A certificate and its private key, as PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

struct TestCertificateOptions {
  /// Host names and numeric addresses it is good for.
  std::vector<std::string> hosts = {"localhost", "127.0.0.1"};
  /// From a day ago until `valid_for` from now; below zero: expired.
  absl::Duration valid_for = absl::Hours(24);
};

/// A certificate authority made up for one test, with elliptic keys that take no time to make.
///
/// Units:    absl::Duration.
/// Errors:   INTERNAL when OpenSSL refuses.
/// Threads:  one thread at a time.
/// Lifetime: certificates outlive it.
class TestAuthority {
 public:
  static absl::StatusOr<std::unique_ptr<TestAuthority>> Create();
  ~TestAuthority();

  /// PEM of the authority's own certificate: what a client must trust.
  const std::string& certificate() const;
  /// A certificate for a server, or for a client that the server knows.
  absl::StatusOr<TestCertificate> Issue(const TestCertificateOptions& options = {});

 private:
  struct State;
  explicit TestAuthority(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_TEST_CERTIFICATE_H_
