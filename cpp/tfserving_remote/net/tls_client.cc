// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tfserving_remote/base/environment.h"
#include "tfserving_remote/net/tls_connection.h"

namespace tfserving_remote {
namespace {

// Where distributions keep their bundle. Our static OpenSSL knows Debian's place only.
constexpr const char* kBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",                   // older Fedora and RHEL
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/ssl/cert.pem",                                  // Alpine
};

// One record is up to 16 KiB; several of them per system call cost less.
constexpr size_t kReadBufferBytes = 128 << 10;

size_t KnownCertificates(SSL_CTX* context) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  return static_cast<size_t>(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)));
}

// True when there is at least one authority, or a folder that may hold some.
bool TrustSystem(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);  // heeds SSL_CERT_FILE and SSL_CERT_DIR
  const EnvironmentReader environment = ProcessEnvironment();
  const bool chosen_by_user = environment(X509_get_default_cert_file_env()).has_value() ||
                              environment(X509_get_default_cert_dir_env()).has_value();
  bool found = chosen_by_user || KnownCertificates(context) > 0;
  for (const char* bundle : kBundles) {
    if (found) break;
    found = SSL_CTX_load_verify_locations(context, bundle, nullptr) == 1;
  }
  ERR_clear_error();
  return found;
}

void Configure(SSL_CTX* context, bool verify) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBufferBytes);
  constexpr unsigned char kAlpn[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kAlpn, sizeof(kAlpn) - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
}

// An address is looked for among the certificate's addresses and has no server name indication.
bool ExpectHost(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  unsigned char address[16];
  if (inet_pton(AF_INET, host.c_str(), address) == 1 ||
      inet_pton(AF_INET6, host.c_str(), address) == 1) {
    return X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  }
  return X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

TlsClient::TlsClient(std::unique_ptr<SSL_CTX, FreeContext> context, bool knows_authorities)
    : context_(std::move(context)), knows_authorities_(knows_authorities) {
  SSL_CTX_set_app_data(context_.get(), this);
  SSL_CTX_sess_set_new_cb(context_.get(), &TlsClient::KeepSession);
}

TlsClient::~TlsClient() = default;

absl::StatusOr<std::unique_ptr<TlsClient>> TlsClient::Create(const TlsClientOptions& options) {
  std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return absl::UnavailableError("TLS: OpenSSL could not be set up");
  Configure(context.get(), options.verify);
  bool knows_authorities = true;
  if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
      ERR_clear_error();
      return absl::InvalidArgumentError(
          absl::StrCat("TLS: no PEM certificates could be read from ", options.ca_file));
    }
  } else if (options.verify) {
    knows_authorities = TrustSystem(context.get());
  }
  return std::unique_ptr<TlsClient>(new TlsClient(std::move(context), knows_authorities));
}

int TlsClient::KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  Session kept(session);
  absl::MutexLock lock(&self->mu_);
  self->sessions_[TlsConnection::OriginOf(ssl)].swap(kept);
  return 1;  // the reference is ours now
}

TlsClient::Session TlsClient::TakeSession(const std::string& origin) {
  absl::MutexLock lock(&mu_);
  const auto found = sessions_.find(origin);
  if (found == sessions_.end()) return nullptr;
  Session session = std::move(found->second);
  sessions_.erase(found);
  return session;
}

absl::StatusOr<std::unique_ptr<Connection>> TlsClient::Handshake(UniqueFd socket,
                                                                 const std::string& host,
                                                                 const std::string& origin,
                                                                 absl::Duration give_up,
                                                                 const CallLimits& limits) {
  SSL* const ssl = SSL_new(context_.get());
  if (ssl == nullptr) return absl::UnavailableError("TLS: out of memory");
  auto connection = std::make_unique<TlsConnection>(ssl, std::move(socket), origin);
  if (!ExpectHost(ssl, host)) {
    return absl::UnavailableError(absl::StrCat("TLS: unusable host name ", host));
  }
  const Session session = TakeSession(origin);
  if (session != nullptr) SSL_set_session(ssl, session.get());
  absl::Status status = connection->Handshake(give_up, limits);
  if (status.ok()) return connection;
  if (knows_authorities_ || SSL_get_verify_result(ssl) == X509_V_OK) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(),
                                   "; this system has no certificate authorities where we looked: "
                                   "install ca-certificates or set SSL_CERT_FILE"));
}

}  // namespace tfserving_remote
