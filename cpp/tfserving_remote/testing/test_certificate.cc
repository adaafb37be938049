// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/testing/test_certificate.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tfserving_remote/base/clock.h"

namespace tfserving_remote {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<&X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<&X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Free<&BIO_free_all>>;

std::string Contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string ToPem(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return Contents(memory.get());
}

std::string ToPem(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Contents(memory.get());
}

// An unsigned certificate for `key`, valid since yesterday.
Certificate Draft(EVP_PKEY* key, const std::string& name, long serial, absl::Duration valid_for) {
  Certificate draft(X509_new());
  X509_set_version(draft.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(draft.get()), serial);
  const time_t now = absl::ToTimeT(Clock::Real().Now());
  ASN1_TIME_set(X509_getm_notBefore(draft.get()), now - 24 * 3600);
  ASN1_TIME_set(X509_getm_notAfter(draft.get()), now + absl::ToInt64Seconds(valid_for));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(draft.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  X509_set_pubkey(draft.get(), key);
  return draft;
}

bool AddExtension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string AlternativeName(const std::string& host) {
  unsigned char address[16];
  const bool numeric = inet_pton(AF_INET, host.c_str(), address) == 1 ||
                       inet_pton(AF_INET6, host.c_str(), address) == 1;
  return absl::StrCat(numeric ? "IP:" : "DNS:", host);
}

std::string AlternativeNames(const std::vector<std::string>& hosts) {
  return absl::StrJoin(hosts, ",", [](std::string* out, const std::string& host) {
    absl::StrAppend(out, AlternativeName(host));
  });
}

}  // namespace

struct TestAuthority::State {
  Key key;
  Certificate certificate;
  std::string pem;
  long next_serial = 2;
};

TestAuthority::TestAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::certificate() const { return state_->pem; }

absl::StatusOr<std::unique_ptr<TestAuthority>> TestAuthority::Create() {
  auto state = std::make_unique<State>();
  state->key.reset(EVP_EC_gen("P-256"));
  if (state->key == nullptr) return absl::InternalError("no key could be made");
  state->certificate = Draft(state->key.get(), "Test authority", 1, absl::Hours(48));
  X509* const own = state->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  if (!AddExtension(own, NID_basic_constraints, "critical,CA:TRUE") ||
      !AddExtension(own, NID_subject_key_identifier, "hash") ||
      X509_sign(own, state->key.get(), EVP_sha256()) == 0) {
    return absl::InternalError("the authority's certificate could not be made");
  }
  state->pem = ToPem(own);
  return std::unique_ptr<TestAuthority>(new TestAuthority(std::move(state)));
}

absl::StatusOr<TestCertificate> TestAuthority::Issue(const TestCertificateOptions& options) {
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return absl::InternalError("no key could be made");
  const Certificate made =
      Draft(key.get(), "Test certificate", state_->next_serial++, options.valid_for);
  X509_set_issuer_name(made.get(), X509_get_subject_name(state_->certificate.get()));
  if (!AddExtension(made.get(), NID_subject_alt_name, AlternativeNames(options.hosts)) ||
      X509_sign(made.get(), state_->key.get(), EVP_sha256()) == 0) {
    return absl::InternalError("the certificate could not be made");
  }
  return TestCertificate{ToPem(made.get()), ToPem(key.get())};
}

}  // namespace tfserving_remote
