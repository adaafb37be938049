// SPDX-License-Identifier: Apache-2.0
#ifndef TFSERVING_REMOTE_TESTING_SCRIPTED_HTTP_CLIENT_H_
#define TFSERVING_REMOTE_TESTING_SCRIPTED_HTTP_CLIENT_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tfserving_remote/net/http_client.h"

namespace tfserving_remote {

/// An HttpClient that answers from a script, keyed by "METHOD url", and keeps what it was asked.
/// Bodies go to HttpCallOptions::body_into under the real client's rules.
///
/// Units:    bytes.
/// Errors:   those of the script; UNIMPLEMENTED, with the key that was asked for, without a script.
/// Threads:  safe to call from any thread.
/// Lifetime: outlives its calls.
class ScriptedHttpClient final : public HttpClient {
 public:
  struct Answer {
    int status = 200;
    std::vector<HttpHeader> headers;
    std::string body;
    /// Instead of an answer, when not OK.
    absl::Status error;
  };

  /// `request` is "GET https://host/path?query". Answers to one request come in the order they were
  /// added; the last one stays.
  void On(absl::string_view request, Answer answer);

  struct Asked {
    /// "GET https://host/path?query".
    std::string request;
    std::vector<HttpHeader> headers;
    absl::Time deadline;

    /// Value of a header, or "".
    std::string Header(absl::string_view name) const;
  };
  std::vector<Asked> asked() const;

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request,
                                    const HttpCallOptions& options) override;

 private:
  mutable absl::Mutex mu_;
  std::map<std::string, std::deque<Answer>> script_ ABSL_GUARDED_BY(mu_);
  std::vector<Asked> asked_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tfserving_remote

#endif  // TFSERVING_REMOTE_TESTING_SCRIPTED_HTTP_CLIENT_H_
