// SPDX-License-Identifier: BSD-3-Clause
// From a trace to what is drawn of it: spans of lives and views, messages with their deliveries, steps, faults.
#include "sim/picture.hpp"

#include "sim/picture_faults.hpp"
#include "sim/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace coterie::sim {

using trace::event;
using trace::event_kind;

namespace {

constexpr std::int64_t ns_a_us = 1'000;
constexpr std::size_t words_max = 300;

std::int64_t us(std::int64_t ns) { return ns / ns_a_us; }

/// The rows of one list of the page's data.
class rows {
public:
    template <class... Parts>
    void add(fmt::format_string<Parts...> form, Parts&&... parts) {
        _text += _text.empty() ? "[" : ",[";
        fmt::format_to(std::back_inserter(_text), form, std::forward<Parts>(parts)...);
        _text += "]\n";
    }
    [[nodiscard]] std::string list() const { return "[" + _text + "]"; }

private:
    std::string _text;
};

struct packet_drawn {
    const event* numbered = nullptr;
    std::vector<const event*> deliveries;
    std::string contents;
    bool named = false; ///< by a violation
};

class painter {
public:
    painter(const run_outcome& run, const picture_options& options) : _run(run), _options(options) {}

    std::string data(std::span<const ailing> ailments) {
        for (std::size_t at = 0; at < _run.trace.size(); ++at) {
            take(_run.trace[at]);
        }
        const std::int64_t end = _run.simulated.count();
        for (auto& [node, of] : _lives) {
            end_life(node, of, end, "goes on");
        }
        add_violations();
        add_messages();
        for (const drawn_fault& each : drawn_faults(ailments, _run.nodes)) {
            _faults.add("{},{},{},{},{}", us(each.begin_ns), us(each.end_ns), json(std::string(to_string(each.what))),
                        json(each.words), numbers(each.nodes));
        }
        return fmt::format("{{\"title\":{},\"replay\":{},\"nodes\":{},\"end\":{},\"faultsEnd\":{},\"messageStep\":{},"
                           "\"views\":{},\"lives\":{},\"spans\":{},\"changing\":{},\"steps\":{},\"clients\":{},"
                           "\"hops\":{},\"messages\":{},\"faults\":{},\"violations\":{}}}",
                           json(_options.title), json(_options.replay), _run.nodes, us(end),
                           us(_run.faults_end.count()), _step, _views.list(), _lived.list(), _spans.list(),
                           _changing.list(), _steps.list(), _clients.list(), _hops.list(), _messages.list(),
                           _faults.list(), _violations.list());
    }

private:
    struct life {
        std::int64_t begin = 0;
        std::optional<std::size_t> view;
        std::int64_t view_begin = 0;
        std::optional<std::int64_t> changing;
    };
    using packet_name = std::pair<base::view_id, base::sequence_number>;

    /// Text as a JSON string that may stand in a script.
    static std::string json(const std::string& text) {
        std::string result = "\"";
        const std::string_view shown(text.data(), std::min(text.size(), words_max * 10));
        for (const char letter : shown) {
            const auto byte = static_cast<unsigned char>(letter);
            if (letter == '"' || letter == '\\') {
                result += '\\';
                result += letter;
            } else if (byte < ' ' || letter == '<') {
                result += fmt::format("\\u{:04x}", byte);
            } else {
                result += letter;
            }
        }
        return result + "\"";
    }

    static std::string words_of(const event& what) {
        std::string text = in_words(what);
        if (text.size() > words_max) {
            text = text.substr(0, words_max) + " ...";
        }
        return json(text);
    }

    static std::string numbers(const std::vector<node_id>& nodes) {
        std::string result;
        for (const node_id each : nodes) {
            result += (result.empty() ? "" : ",") + std::to_string(each.value);
        }
        return "[" + result + "]";
    }

    std::size_t view_index(const event& what) {
        const auto [at, first] = _view_numbers.try_emplace(what.view, _view_numbers.size());
        if (first) {
            std::vector<node_id> members;
            for (const base::member& each : what.members) {
                members.push_back(each.node);
            }
            _views.add("{},{}", json(in_words(what.view)), numbers(members));
        }
        return at->second;
    }

    void end_view(node_id node, life& of, std::int64_t now) {
        if (of.view) {
            _spans.add("{},{},{},{}", node.value, us(of.view_begin), us(now), *of.view);
        }
        if (of.changing) {
            _changing.add("{},{},{}", node.value, us(*of.changing), us(now));
        }
        of.view.reset();
        of.changing.reset();
    }

    void end_life(node_id node, life& of, std::int64_t now, std::string_view how) {
        end_view(node, of, now);
        _lived.add("{},{},{},\"{}\"", node.value, us(of.begin), us(now), how);
    }

    void add_step(const event& what) {
        _steps.add("{},{},\"{}\",{}", what.node.value, us(what.time_ns), trace::to_string(what.kind), words_of(what));
    }

    void take(const event& what) {
        switch (what.kind) {
        case event_kind::started:
            _lives[what.node] = {.begin = what.time_ns, .view = {}, .view_begin = 0, .changing = {}};
            add_step(what);
            return;
        case event_kind::failed:
        case event_kind::retired:
            if (const auto found = _lives.find(what.node); found != _lives.end()) {
                end_life(what.node, found->second, what.time_ns, trace::to_string(what.kind));
                _lives.erase(found);
            }
            add_step(what);
            return;
        case event_kind::regular: {
            life& of = _lives[what.node];
            end_view(what.node, of, what.time_ns);
            of.view = view_index(what);
            of.view_begin = what.time_ns;
            return;
        }
        case event_kind::promised: {
            life& of = _lives[what.node];
            of.changing = of.changing ? of.changing : what.time_ns;
            add_step(what);
            return;
        }
        case event_kind::transitional:
        case event_kind::planned:
        case event_kind::completed:
        case event_kind::installed:
        case event_kind::common_point: add_step(what); return;
        case event_kind::numbered: _packets[{what.view, what.number}].numbered = &what; return;
        case event_kind::delivered: _packets[{what.view, what.number}].deliveries.push_back(&what); return;
        case event_kind::message_numbered: {
            std::string& contents = _packets[{what.view, what.number}].contents;
            if (contents.size() < words_max) {
                contents += (contents.empty() ? "" : "; ") + in_words(what.who) + " to " + quoted(what.group);
            }
            return;
        }
        case event_kind::hop_given: _given[{what.view, what.hop}] = &what; return;
        case event_kind::hop_taken:
            if (const auto given = _given.find({what.view, what.hop}); given != _given.end()) {
                _hops.add("{},{},{},{},{}", given->second->node.value, us(given->second->time_ns), what.node.value,
                          us(what.time_ns), what.hop.value);
            }
            return;
        case event_kind::client_join:
        case event_kind::client_leave:
        case event_kind::client_change:
        case event_kind::client_closed:
        case event_kind::client_failed:
            _clients.add("{},{},\"{}\",{}", what.node.value, us(what.time_ns), trace::to_string(what.kind),
                         json(in_words(what.who) + " " + in_words(what)));
            return;
        default: return;
        }
    }

    void add_violations() {
        for (const violation& each : _run.violations) {
            rows events;
            for (const std::size_t at : each.events) {
                const event& what = _run.trace[at];
                events.add("{},{},{}", what.node.value, us(what.time_ns), words_of(what));
                if (const auto named = _packets.find({what.view, what.number}); named != _packets.end()) {
                    named->second.named = true;
                }
            }
            _violations.add("{},{},{}", each.guarantee, json(each.what), events.list());
        }
    }

    void add_messages() {
        std::vector<const packet_drawn*> all;
        std::size_t deliveries = 0;
        for (const auto& [name, packet] : _packets) {
            if (packet.numbered != nullptr) {
                all.push_back(&packet);
                deliveries += packet.deliveries.size();
            }
        }
        std::ranges::stable_sort(all, {}, [](const packet_drawn* each) { return each->numbered->time_ns; });
        _step = deliveries / std::max<std::size_t>(1, _options.deliveries_max) + 1;
        for (std::size_t at = 0; at < all.size(); ++at) {
            const packet_drawn& one = *all[at];
            if (at % _step != 0 && !one.named) {
                continue;
            }
            std::string to;
            for (const event* each : one.deliveries) {
                to += fmt::format("{}{},{}", to.empty() ? "" : ",", each->node.value, us(each->time_ns));
            }
            const event& sent = *one.numbered;
            const auto view = _view_numbers.find(sent.view);
            _messages.add("{},{},{},{},{},{},[{}],{}", sent.node.value, us(sent.time_ns),
                          view == _view_numbers.end() ? -1 : static_cast<int>(view->second), sent.number.value,
                          sent.safe ? 1 : 0, one.named ? 1 : 0, to, json(one.contents));
        }
    }

    const run_outcome& _run;
    const picture_options& _options;
    std::map<base::view_id, std::size_t> _view_numbers;
    std::map<node_id, life> _lives;
    std::map<packet_name, packet_drawn> _packets;
    std::map<std::pair<base::view_id, base::hop_number>, const event*> _given;
    std::size_t _step = 1;
    rows _views;
    rows _lived;
    rows _spans;
    rows _changing;
    rows _steps;
    rows _clients;
    rows _hops;
    rows _messages;
    rows _faults;
    rows _violations;
};

} // namespace

std::string picture_data(const run_outcome& run, std::span<const ailing> ailments, const picture_options& options) {
    return painter(run, options).data(ailments);
}

} // namespace coterie::sim
