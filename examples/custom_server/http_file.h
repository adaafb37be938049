// SPDX-License-Identifier: Apache-2.0
#ifndef EXAMPLE_HTTP_FILE_H_
#define EXAMPLE_HTTP_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tfserving_remote/base/cancellation.h"
#include "tfserving_remote/net/http_client.h"

namespace example {

// The file behind an http:// or https:// URL. NOT_FOUND if there is none; whatever else the server
// says instead of "200 OK", and no answer within a minute, is an error that names the URL.
absl::StatusOr<std::string> ReadHttpFile(tfserving_remote::HttpClient& http, const std::string& url,
                                         tfserving_remote::Cancellation* cancellation = nullptr);

// Its size in bytes.
absl::StatusOr<uint64_t> HttpFileSize(tfserving_remote::HttpClient& http, const std::string& url);

// What `path` means in a file at `base`: a URL of its own, "/from/the/top" or "beside/it".
std::string ResolveUrl(absl::string_view base, absl::string_view path);

// Whether requests can be sent there at all.
absl::Status CheckUrl(absl::string_view url);

}  // namespace example

#endif  // EXAMPLE_HTTP_FILE_H_
