// SPDX-License-Identifier: BSD-3-Clause
// Readers and writers of little-endian bytes that cannot run past an end. A reader that was asked for more than there
// is stays failed and yields zeros; a writer that is full stays failed and writes nothing more. Callers check once, at
// the end.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace coterie::base {

static_assert(std::endian::native == std::endian::little, "layouts are copied as they stand in memory");

using bytes_view = std::span<const std::byte>;

/// Reads numbers and byte runs from a span it does not own; every view it returns lies inside that span.
class byte_reader {
public:
    explicit byte_reader(bytes_view bytes) : _bytes(bytes) {}

    /// The next number, or 0 once the reader has failed.
    template <std::unsigned_integral Number>
    Number number() {
        if (_bytes.size() - _at < sizeof(Number)) [[unlikely]] {
            fail();
            return 0;
        }
        Number result;
        std::memcpy(&result, _bytes.data() + _at, sizeof(Number));
        _at += sizeof(Number);
        return result;
    }

    /// The next number as a strong type.
    template <class Strong>
        requires requires(Strong strong) { strong.value; }
    Strong number() {
        Strong result;
        result.value = number<typename Strong::rep>();
        return result;
    }

    /// The next `count` bytes, or an empty view once the reader has failed.
    bytes_view run(std::size_t count) {
        if (_bytes.size() - _at < count) [[unlikely]] {
            fail();
            return {};
        }
        const bytes_view result = _bytes.subspan(_at, count);
        _at += count;
        return result;
    }

    /// All bytes that are left.
    bytes_view rest() { return run(remaining()); }

    [[nodiscard]] std::size_t remaining() const { return _bytes.size() - _at; }
    [[nodiscard]] bool ok() const { return !_failed; }
    /// True when nothing failed and nothing is left over.
    [[nodiscard]] bool finished() const { return !_failed && remaining() == 0; }
    /// Marks what was read as unacceptable; used by decoders that judge values.
    void fail() {
        _failed = true;
        _at = _bytes.size();
    }

private:
    bytes_view _bytes;
    std::size_t _at = 0;
    bool _failed = false;
};

/// Writes numbers and byte runs into a span it does not own.
class byte_writer {
public:
    explicit byte_writer(std::span<std::byte> space) : _space(space) {}

    template <std::unsigned_integral Number>
    void number(Number value) {
        if (room() < sizeof(Number)) [[unlikely]] {
            _failed = true;
            return;
        }
        std::memcpy(_space.data() + _at, &value, sizeof(Number));
        _at += sizeof(Number);
    }

    template <class Strong>
        requires requires(Strong strong) { strong.value; }
    void number(Strong strong) {
        number(strong.value);
    }

    void run(bytes_view bytes) {
        if (room() < bytes.size()) [[unlikely]] {
            _failed = true;
            return;
        }
        if (!bytes.empty()) {
            std::memcpy(_space.data() + _at, bytes.data(), bytes.size());
        }
        _at += bytes.size();
    }

    /// Overwrites a number written earlier, `offset` bytes from the start.
    template <std::unsigned_integral Number>
    void patch(std::size_t offset, Number value) {
        if (offset > _at || _at - offset < sizeof(Number)) [[unlikely]] {
            _failed = true;
            return;
        }
        std::memcpy(_space.data() + offset, &value, sizeof(Number));
    }

    [[nodiscard]] std::size_t size() const { return _at; }
    [[nodiscard]] std::size_t room() const { return _failed ? 0 : _space.size() - _at; }
    [[nodiscard]] bool ok() const { return !_failed; }

private:
    std::span<std::byte> _space;
    std::size_t _at = 0;
    bool _failed = false;
};

} // namespace coterie::base
