// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/trusted_keys.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tfserving_remote/manifest/digest.h"

namespace tfserving_remote {
namespace {

constexpr size_t kMaxPemBytes = 1 << 20;
constexpr size_t kShownDigits = 12;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeKey>;

// How the DER of a public key on each curve begins, up to the point. Libraries disagree on how to
// ask a key for its curve; on this they cannot.
struct Curve {
  absl::string_view prefix_hex;
  size_t der_bytes;
  const EVP_MD* (*digest)();
};
constexpr Curve kCurves[] = {
    {"3059301306072a8648ce3d020106082a8648ce3d03010703420004", 91, &EVP_sha256},
    {"3076301006072a8648ce3d020106052b8104002203620004", 120, &EVP_sha384},
    {"30819b301006072a8648ce3d020106052b810400230381860004", 158, &EVP_sha512},
};

// Null for any other curve or kind of key.
const Curve* FindCurve(absl::string_view der) {
  const std::string hex = absl::BytesToHexString(der.substr(0, 32));
  for (const Curve& curve : kCurves) {
    if (der.size() == curve.der_bytes && absl::StartsWith(hex, curve.prefix_hex)) return &curve;
  }
  return nullptr;
}

struct PemBlock {
  std::string name;
  std::string der;
};

// False at the end of the text. A block that is broken has no name.
bool ReadBlock(BIO* bio, PemBlock& block) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;  // NOLINT(google-runtime-int): OpenSSL's own
  block = {};
  if (PEM_read_bio(bio, &name, &header, &data, &length) == 1) {
    block.name = name;
    block.der.assign(reinterpret_cast<const char*>(data), static_cast<size_t>(length));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return true;
  }
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return !end;
}

KeyHandle DecodeKey(absl::string_view der) {
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* at = begin;
  // Checks that the point lies on its curve.
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));  // NOLINT
  ERR_clear_error();
  if (key != nullptr && at != begin + der.size()) key.reset();
  return key;
}

// What model-signing calls the hint of a key: the SHA-256 of its PEM text.
std::string IdOf(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return "";
  char* text = nullptr;
  const auto length = BIO_get_mem_data(bio.get(), &text);
  return ToHex(Sha256(absl::string_view(text, static_cast<size_t>(length))));
}

}  // namespace

struct TrustedKeys::Key {
  std::string id;
  const EVP_MD* digest = nullptr;
  KeyHandle key;
};

absl::StatusOr<TrustedKeys> TrustedKeys::FromPem(absl::string_view pem) {
  if (pem.size() > kMaxPemBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", pem.size(), " bytes; keys take at most ", kMaxPemBytes));
  }
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return absl::ResourceExhaustedError("no memory for a public key");
  TrustedKeys keys;
  PemBlock block;
  while (ReadBlock(bio.get(), block)) {
    const std::string which = absl::StrCat("key ", keys.size() + 1, ": ");
    if (absl::StrContains(block.name, "PRIVATE KEY")) {
      return absl::InvalidArgumentError(absl::StrCat(
          which, "is a private key; give the server the public key alone (KEY.pub of keygen)"));
    }
    if (block.name != "PUBLIC KEY") {
      return absl::InvalidArgumentError(absl::StrCat(
          which, block.name.empty() ? "is broken PEM" : "is a " + block.name, ", no PUBLIC KEY"));
    }
    KeyHandle key = DecodeKey(block.der);
    const Curve* const curve = key == nullptr ? nullptr : FindCurve(block.der);
    if (curve == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(which, "is no elliptic curve key on P-256, P-384 or P-521"));
    }
    std::string id = IdOf(key.get());
    keys.keys_.push_back(
        std::make_shared<const Key>(Key{std::move(id), curve->digest(), std::move(key)}));
  }
  if (keys.size() == 0) return absl::InvalidArgumentError("has no PEM block PUBLIC KEY");
  return keys;
}

void TrustedKeys::Add(const TrustedKeys& more) {
  keys_.insert(keys_.end(), more.keys_.begin(), more.keys_.end());
}

bool TrustedKeys::Has(absl::string_view id) const {
  return std::any_of(keys_.begin(), keys_.end(), [id](const auto& key) { return key->id == id; });
}

std::string TrustedKeys::Describe() const {
  return absl::StrJoin(keys_, ", ", [](std::string* out, const std::shared_ptr<const Key>& key) {
    out->append(Shorten(key->id));
  });
}

std::string TrustedKeys::Shorten(absl::string_view id) {
  return absl::StrCat(absl::CHexEscape(id.substr(0, kShownDigits)),
                      id.size() > kShownDigits ? "…" : "");
}

bool TrustedKeys::Verify(absl::string_view message, absl::string_view signature,
                         absl::string_view id) const {
  const bool known = Has(id);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  const auto* const proof = reinterpret_cast<const unsigned char*>(signature.data());
  for (const std::shared_ptr<const Key>& key : keys_) {
    if (known && key->id != id) continue;
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    const bool fits =
        context != nullptr &&
        EVP_DigestVerifyInit(context.get(), nullptr, key->digest, nullptr, key->key.get()) == 1 &&
        EVP_DigestVerify(context.get(), proof, signature.size(), bytes, message.size()) == 1;
    ERR_clear_error();
    if (fits) return true;
  }
  return false;
}

}  // namespace tfserving_remote
