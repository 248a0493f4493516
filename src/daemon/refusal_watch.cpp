// SPDX-License-Identifier: BSD-3-Clause
// What happens once in a while in a healthy cluster, as when a node is started again, is only told when it goes on.
#include "daemon/refusal_watch.hpp"

#include <fmt/format.h>

namespace coterie::daemon {

namespace {

std::string packets(std::uint64_t count) { return fmt::format("{} packet{}", count, count == 1 ? "" : "s"); }

} // namespace

std::vector<std::string> refusal_watch::judge(base::time_point now, const std::optional<net::sealing_report>& sealing,
                                              const net::transport_counters& counts) {
    std::vector<std::string> result;
    if (!sealing) {
        look(now, {counts.last_unknown_key}, cause::encrypted,
             counts.refused[static_cast<std::size_t>(wire::refusal_reason::key_slot)], result);
        return result;
    }
    for (const net::sealing_report::sender& each : sealing->nodes) {
        const crypto::record_refusals& refused = each.known.refused;
        look(now, each.node, cause::not_encrypted, refused.no_key, result);
        look(now, each.node, cause::other_key, refused.unknown_key, result);
        look(now, each.node, cause::altered, refused.wrong_tag, result);
        look(now, each.node, cause::too_old, refused.replayed, result);
        look(now, each.node, cause::no_answer, refused.unproven, result);
    }
    return result;
}

void refusal_watch::look(base::time_point now, base::node_id node, cause what, std::uint64_t count,
                         std::vector<std::string>& lines) {
    constexpr unsigned looks_of_harmless = 3;
    if (count == 0) {
        return;
    }
    tally& of = _tallies[{node, what}];
    of.growing = count > of.seen ? of.growing + 1 : 0;
    of.seen = count;
    const bool harmless = what == cause::too_old || what == cause::no_answer;
    if (of.growing >= (harmless ? looks_of_harmless : 1) && now >= of.quiet_until) {
        of.quiet_until = now + line_pause;
        lines.push_back(line(node, what, count - std::exchange(of.told, count)));
    }
}

std::string refusal_watch::line(base::node_id node, cause what, std::uint64_t more) const {
    const std::string who = _named(node);
    switch (what) {
    case cause::not_encrypted:
        return fmt::format("{}: {} refused that are not encrypted: its configuration does not ask for encryption "
                           "(crypto_cipher in totem), or somebody uses its address",
                           who, packets(more));
    case cause::other_key:
        return fmt::format(
            "{}: {} refused under a key that this node does not have: the key files differ, or a "
            "change of the key is half done there or here; compare what `coterie key status` says on both",
            who, packets(more));
    case cause::altered:
        return fmt::format("{}: {} refused as forged, or altered on their way: somebody uses its address, or its "
                           "network is broken",
                           who, packets(more));
    case cause::too_old:
        return fmt::format("{}: {} refused as too old: somebody plays recordings back, or one link is slower than "
                           "others by thousands of packets",
                           who, packets(more));
    case cause::no_answer:
        return fmt::format("{}: {} refused of a life that does not answer: somebody plays recordings of an earlier "
                           "life back, or what is sent to it does not arrive",
                           who, packets(more));
    case cause::encrypted:
        return fmt::format("{} refused that are encrypted, the last in the name of {}: the others encrypt, and the "
                           "configuration here does not ask for it (crypto_cipher in totem)",
                           packets(more), who);
    }
    return {};
}

} // namespace coterie::daemon
