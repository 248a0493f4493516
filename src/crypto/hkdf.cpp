// SPDX-License-Identifier: BSD-3-Clause
// Through EVP_KDF.
#include "crypto/hkdf.hpp"

#include "base/assert.hpp"

#include <memory>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace coterie::crypto {

namespace {

struct freed {
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

EVP_KDF* hkdf() {
    static EVP_KDF* const known = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
    return known;
}

/// The parameters are only read, and never null.
OSSL_PARAM octets(const char* name, std::span<const std::byte> bytes) {
    static constexpr std::byte nothing{};
    const std::byte* const begin = bytes.empty() ? &nothing : bytes.data();
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(begin), bytes.size());
}

void derive(int mode, OSSL_PARAM second, OSSL_PARAM third, std::span<std::byte> out) {
    const std::unique_ptr<EVP_KDF_CTX, freed> context(EVP_KDF_CTX_new(hkdf()));
    COTERIE_ASSERT(context != nullptr, "OpenSSL knows HKDF");
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode), second, third,
                                     OSSL_PARAM_construct_end()};
    COTERIE_ASSERT(
        EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), parameters) == 1,
        "OpenSSL derives keys");
}

} // namespace

secret hkdf_extract(std::span<const std::byte> salt, std::span<const std::byte> material) {
    secret result(hash_bytes);
    derive(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, octets(OSSL_KDF_PARAM_SALT, salt), octets(OSSL_KDF_PARAM_KEY, material),
           result.bytes());
    return result;
}

void hkdf_expand(const secret& key, std::span<const std::byte> info, std::span<std::byte> out) {
    derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY, octets(OSSL_KDF_PARAM_KEY, key.bytes()), octets(OSSL_KDF_PARAM_INFO, info),
           out);
}

} // namespace coterie::crypto
