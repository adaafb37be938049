// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/net/tls_server_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <climits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tfserving_remote {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;

absl::Status Unusable(absl::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  absl::Status status = absl::InvalidArgumentError(
      absl::StrCat("tls: ", what, reason == nullptr ? "" : absl::StrCat(": ", reason)));
  ERR_clear_error();
  return status;
}

// Without this callback OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

BioPtr Open(const std::string& pem) {
  if (pem.size() > INT_MAX) return nullptr;
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::vector<CertificatePtr> ReadCertificates(const std::string& pem) {
  std::vector<CertificatePtr> certificates;
  const BioPtr bio = Open(pem);
  while (bio != nullptr) {
    X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr);
    if (certificate == nullptr) break;
    certificates.emplace_back(certificate);
  }
  // Running out of input looks like an error to OpenSSL.
  if (!certificates.empty()) ERR_clear_error();
  return certificates;
}

absl::Status UseIdentity(SSL_CTX* context, const GrpcTlsOptions& options) {
  const std::vector<CertificatePtr> chain = ReadCertificates(options.server_certificate);
  if (chain.empty()) return Unusable("the server certificate cannot be read");
  if (SSL_CTX_use_certificate(context, chain[0].get()) != 1) {
    return Unusable("the server certificate cannot be used");
  }
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      return Unusable("the server certificate's chain cannot be used");
    }
  }
  const BioPtr bio = Open(options.server_key);
  const KeyPtr key(bio == nullptr
                       ? nullptr
                       : PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) return Unusable("the server key cannot be read");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Unusable("the server key does not belong to the certificate");
  }
  return absl::OkStatus();
}

absl::Status UseClientAuthorities(SSL_CTX* context, const GrpcTlsOptions& options) {
  if (options.client_ca.empty()) {
    if (!options.require_client_certificate) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "tls: client certificates are required but no authority for them is given");
  }
  const std::vector<CertificatePtr> authorities = ReadCertificates(options.client_ca);
  if (authorities.empty()) return Unusable("the client authorities cannot be read");
  for (const CertificatePtr& authority : authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return Unusable("the client authorities cannot be used");
    }
  }
  const int fail_without = options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | fail_without, nullptr);
  return absl::OkStatus();
}

int ChooseHttp2(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, chosen_size, kHttp2, sizeof(kHttp2), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeTlsServerContext(const GrpcTlsOptions& options) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return Unusable("no context");
  // The suites that RFC 9113, 9.2.2 does not forbid; TLS 1.3 has no others.
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    return Unusable("protocol versions or ciphers");
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseHttp2, nullptr);
  // Sessions that a client resumes are bound to this server's rules for client certificates.
  static constexpr unsigned char kSessionContext[] = "grpc";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  absl::Status status = UseIdentity(context.get(), options);
  if (status.ok()) status = UseClientAuthorities(context.get(), options);
  if (!status.ok()) return status;
  return context;
}

}  // namespace tfserving_remote
