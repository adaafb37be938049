// SPDX-License-Identifier: Apache-2.0
#include "tfserving_remote/manifest/signature.h"

#include <initializer_list>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tfserving_remote/base/guarded_json.h"

namespace tfserving_remote {
namespace {

using nlohmann::json;
using Path = std::initializer_list<const char*>;

constexpr absl::string_view kBundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr absl::string_view kPayloadType = "application/vnd.in-toto+json";
constexpr absl::string_view kStatementType = "https://in-toto.io/Statement/v1";
constexpr absl::string_view kPredicateType = "https://model_signing/signature/v1.0";
// An envelope has some twenty, and whoever wrote it is not known yet.
constexpr size_t kMaxEnvelopeValues = 1000;
// Far above any ECDSA signature in DER and base64.
constexpr size_t kMaxProofBytes = 1024;
constexpr size_t kShownBytes = 200;

absl::Status Malformed(absl::string_view where, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("is no model signature: ", where, ": ", why));
}

std::string Shown(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kShownBytes)), "\"");
}

// The member of `root` to which `path` leads.
absl::StatusOr<const json*> Member(const json& root, Path path) {
  const json* at = &root;
  std::string where;
  for (const char* name : path) {
    absl::StrAppend(&where, where.empty() ? "" : ".", name);
    const auto found = at->is_object() ? at->find(name) : at->end();
    if (!at->is_object() || found == at->end()) return Malformed(where, "is missing");
    at = &*found;
  }
  return at;
}

absl::StatusOr<std::string> Text(const json& root, Path path) {
  const absl::StatusOr<const json*> member = Member(root, path);
  if (!member.ok()) return member.status();
  if (!(*member)->is_string()) return Malformed(*(path.end() - 1), "must be a string");
  return (*member)->get<std::string>();
}

absl::Status RequireText(const json& root, Path path, absl::string_view expected) {
  const absl::StatusOr<std::string> text = Text(root, path);
  if (!text.ok()) return text.status();
  if (*text == expected) return absl::OkStatus();
  return Malformed(*(path.end() - 1), absl::StrCat("is ", Shown(*text), ", not ", expected));
}

absl::StatusOr<Sha256Digest> Digest(const json& root, Path path) {
  const absl::StatusOr<std::string> text = Text(root, path);
  if (!text.ok()) return text.status();
  Sha256Digest digest = {};
  if (FromHex(*text, absl::MakeSpan(digest))) return digest;
  return Malformed(*(path.end() - 1), "must be 64 lower-case hexadecimal digits");
}

absl::StatusOr<std::string> Base64(const json& root, Path path) {
  const absl::StatusOr<std::string> text = Text(root, path);
  if (!text.ok()) return text.status();
  std::string bytes;
  if (absl::Base64Unescape(*text, &bytes)) return bytes;
  return Malformed(*(path.end() - 1), "is no base64");
}

// The one element of an array: a bundle's envelope has one signature, a statement one subject.
absl::StatusOr<const json*> Only(const json& root, Path path) {
  const absl::StatusOr<const json*> list = Member(root, path);
  if (!list.ok()) return list.status();
  if ((*list)->is_array() && (*list)->size() == 1) return &(*list)->front();
  return Malformed(*(path.end() - 1), "must be an array of one");
}

// The outermost layer: what was signed, how, and with which key.
struct Envelope {
  std::string payload;
  std::string proof;
  /// "" when the signer did not say.
  std::string key_id;
};

absl::StatusOr<Envelope> ParseEnvelope(absl::string_view text, const SignatureLimits& limits) {
  const absl::StatusOr<json> bundle =
      ParseGuardedJson(text, {limits.max_bytes, limits.max_depth, kMaxEnvelopeValues});
  if (!bundle.ok()) return Malformed("the whole", bundle.status().message());
  absl::Status status = RequireText(*bundle, {"mediaType"}, kBundleType);
  if (!status.ok()) return status;
  const absl::StatusOr<const json*> key = Member(*bundle, {"verificationMaterial", "publicKey"});
  if (!key.ok()) {
    return absl::InvalidArgumentError(
        "is not made with a key (verificationMaterial.publicKey is missing); certificates and "
        "keyless signatures are not read");
  }
  Envelope envelope;
  const auto hint = (*key)->is_object() ? (*key)->find("hint") : (*key)->end();
  if ((*key)->is_object() && hint != (*key)->end() && hint->is_string()) {
    envelope.key_id = hint->get<std::string>();
  }
  status = RequireText(*bundle, {"dsseEnvelope", "payloadType"}, kPayloadType);
  if (!status.ok()) return status;
  absl::StatusOr<std::string> payload = Base64(*bundle, {"dsseEnvelope", "payload"});
  if (!payload.ok()) return payload.status();
  envelope.payload = *std::move(payload);
  const absl::StatusOr<const json*> only = Only(*bundle, {"dsseEnvelope", "signatures"});
  if (!only.ok()) return only.status();
  absl::StatusOr<std::string> proof = Base64(**only, {"sig"});
  if (!proof.ok()) return proof.status();
  if (proof->size() > kMaxProofBytes) return Malformed("sig", "is too long");
  envelope.proof = *std::move(proof);
  return envelope;
}

absl::Status CheckProof(const Envelope& envelope, const TrustedKeys& keys) {
  // DSSE's pre-authentication encoding.
  const std::string message = absl::StrCat("DSSEv1 ", kPayloadType.size(), " ", kPayloadType, " ",
                                           envelope.payload.size(), " ", envelope.payload);
  if (keys.Verify(message, envelope.proof, envelope.key_id)) return absl::OkStatus();
  if (keys.Has(envelope.key_id)) {
    return absl::DataLossError(absl::StrCat("is wrong: its content is not what the trusted key ",
                                            TrustedKeys::Shorten(envelope.key_id), " has signed"));
  }
  return absl::DataLossError(absl::StrCat(
      "was made with another key (",
      envelope.key_id.empty() ? "unnamed" : TrustedKeys::Shorten(envelope.key_id),
      ") than the trusted ", keys.Describe(), "; sign the version again with a trusted key"));
}

absl::Status CheckForm(const json& statement) {
  absl::Status status = RequireText(statement, {"_type"}, kStatementType);
  if (!status.ok()) return status;
  status = RequireText(statement, {"predicateType"}, kPredicateType);
  if (!status.ok()) return status;
  status = RequireText(statement, {"predicate", "serialization", "method"}, "files");
  if (!status.ok()) return status;
  return RequireText(statement, {"predicate", "serialization", "hash_type"}, "sha256");
}

absl::StatusOr<SignedFiles> ReadFiles(const json& statement) {
  const absl::StatusOr<const json*> resources = Member(statement, {"predicate", "resources"});
  if (!resources.ok()) return resources.status();
  if (!(*resources)->is_array()) return Malformed("resources", "must be an array");
  SignedFiles files;
  std::string digests;
  for (const json& resource : **resources) {
    absl::StatusOr<std::string> name = Text(resource, {"name"});
    if (!name.ok()) return name.status();
    const absl::Status sha256 = RequireText(resource, {"algorithm"}, "sha256");
    if (!sha256.ok()) return sha256;
    const absl::StatusOr<Sha256Digest> digest = Digest(resource, {"digest"});
    if (!digest.ok()) return digest.status();
    digests.append(reinterpret_cast<const char*>(digest->data()), digest->size());
    if (!files.emplace(*name, *digest).second) {
      return Malformed("resources", absl::StrCat(Shown(*name), " stands there twice"));
    }
  }
  const absl::StatusOr<const json*> subject = Only(statement, {"subject"});
  if (!subject.ok()) return subject.status();
  const absl::StatusOr<Sha256Digest> root = Digest(**subject, {"digest", "sha256"});
  if (!root.ok()) return root.status();
  if (*root != Sha256(digests)) {
    return Malformed("subject", "its digest is not that of the resources");
  }
  return files;
}

absl::Status CheckManifestDigest(const json& statement, absl::string_view manifest_text) {
  const absl::StatusOr<const json*> ours = Member(statement, {"predicate", "tfserving_remote"});
  if (!ours.ok()) {
    return absl::DataLossError(
        "covers the version's files but not its manifest (predicate.tfserving_remote is missing), "
        "by which the files are checked; sign the version with `tfserving-remote sign`");
  }
  const absl::Status sha256 = RequireText(**ours, {"manifest", "algorithm"}, "sha256");
  if (!sha256.ok()) return sha256;
  const absl::StatusOr<Sha256Digest> digest = Digest(**ours, {"manifest", "digest"});
  if (!digest.ok()) return digest.status();
  const Sha256Digest found = Sha256(manifest_text);
  if (*digest == found) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("was made for a manifest with the sha256 ",
                                          ToHex(*digest), ", but that of the manifest is ",
                                          ToHex(found)));
}

}  // namespace

absl::StatusOr<SignedFiles> VerifySignature(absl::string_view signature,
                                            absl::string_view manifest_text,
                                            const TrustedKeys& keys,
                                            const SignatureLimits& limits) {
  const absl::StatusOr<Envelope> envelope = ParseEnvelope(signature, limits);
  if (!envelope.ok()) return envelope.status();
  if (absl::Status proof = CheckProof(*envelope, keys); !proof.ok()) return proof;
  const absl::StatusOr<json> statement =
      ParseGuardedJson(envelope->payload, {limits.max_bytes, limits.max_depth});
  if (!statement.ok()) return Malformed("payload", statement.status().message());
  if (absl::Status form = CheckForm(*statement); !form.ok()) return form;
  if (absl::Status covers = CheckManifestDigest(*statement, manifest_text); !covers.ok()) {
    return covers;
  }
  return ReadFiles(*statement);
}

absl::Status CheckSignedFiles(const SignedFiles& files, const Manifest& manifest) {
  for (const ManifestFile& file : manifest.files) {
    const auto found = files.find(file.path);
    if (found == files.end()) {
      return absl::DataLossError(
          absl::StrCat("does not cover ", Shown(file.path), ", which the manifest lists"));
    }
    if (found->second != file.sha256) {
      return absl::DataLossError(absl::StrCat("covers ", Shown(file.path), " with the sha256 ",
                                              ToHex(found->second), ", but the manifest says ",
                                              ToHex(file.sha256)));
    }
  }
  if (files.size() == manifest.files.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "covers ", files.size(), " files, but the manifest lists ", manifest.files.size()));
}

}  // namespace tfserving_remote
