// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

#include "absl/strings/string_view.h"
#include "tfserving_remote/net/byte_stream.h"

namespace tfserving_remote {
namespace {

// OpenSSL's own socket BIO calls write(), which raises SIGPIPE; this one sends with MSG_NOSIGNAL.

int FdOf(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

bool MayTryAgain() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int QuietWrite(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(FdOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && MayTryAgain()) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

int QuietRead(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(FdOf(bio), data, static_cast<size_t>(size), 0);
  if (got < 0 && MayTryAgain()) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long QuietControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* MakeQuietSocketMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quiet socket");
  BIO_meth_set_write(method, QuietWrite);
  BIO_meth_set_read(method, QuietRead);
  BIO_meth_set_ctrl(method, QuietControl);
  return method;
}

BIO* NewQuietSocket(int fd) {
  static BIO_METHOD* const method = MakeQuietSocketMethod();
  BIO* bio = BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

class TlsStream final : public ByteStream {
 public:
  explicit TlsStream(SSL* ssl) : ssl_(ssl) {}
  ~TlsStream() override { SSL_free(ssl_); }

  IoState Handshake() override {
    ERR_clear_error();
    const int result = SSL_accept(ssl_);
    if (result != 1) return Judge(result);
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &protocol, &size);
    const bool is_h2 = size == 2 && std::memcmp(protocol, "h2", 2) == 0;
    return is_h2 ? IoState::kDone : IoState::kFailed;
  }

  IoResult Read(absl::Span<char> into) override {
    ERR_clear_error();
    size_t got = 0;
    const int result = SSL_read_ex(ssl_, into.data(), into.size(), &got);
    if (result == 1) return {IoState::kDone, got};
    return {Judge(result), 0};
  }

  IoResult Write(const iovec* pieces, size_t count) override {
    // A record is cut at 16 KiB in any case; small pieces are put together to fill one.
    absl::string_view next(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len);
    if (next.size() < sizeof(record_) && count > 1) next = Gather(pieces, count);
    ERR_clear_error();
    size_t put = 0;
    const int result = SSL_write_ex(ssl_, next.data(), next.size(), &put);
    if (result == 1) return {IoState::kDone, put};
    return {Judge(result), 0};
  }

  void CloseWrite() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
    ::shutdown(FdOf(SSL_get_wbio(ssl_)), SHUT_WR);
  }

  bool HoldsInput() const override { return true; }

 private:
  absl::string_view Gather(const iovec* pieces, size_t count) {
    size_t filled = 0;
    for (size_t i = 0; i < count && filled < sizeof(record_); ++i) {
      const size_t taken = std::min(pieces[i].iov_len, sizeof(record_) - filled);
      std::memcpy(record_ + filled, pieces[i].iov_base, taken);
      filled += taken;
    }
    return {record_, filled};
  }

  IoState Judge(int result) const {
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        return IoState::kWantRead;
      case SSL_ERROR_WANT_WRITE:
        return IoState::kWantWrite;
      case SSL_ERROR_ZERO_RETURN:
        return IoState::kEnd;
      default:
        return IoState::kFailed;
    }
  }

  SSL* const ssl_;
  char record_[16 << 10];
};

}  // namespace

std::unique_ptr<ByteStream> MakeTlsStream(int fd, SSL_CTX* context) {
  SSL* ssl = SSL_new(context);
  if (ssl == nullptr) return nullptr;
  BIO* bio = NewQuietSocket(fd);
  if (bio == nullptr) {
    SSL_free(ssl);
    return nullptr;
  }
  SSL_set_bio(ssl, bio, bio);
  return std::make_unique<TlsStream>(ssl);
}

}  // namespace tfserving_remote
