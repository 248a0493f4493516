// SPDX-License-Identifier: BSD-3-Clause
// The page around the drawing: its look, its controls, its legend.
#include "sim/picture_page.hpp"

#include "sim/picture.hpp"

namespace coterie::sim {

std::string_view page_style() {
    return R"css(
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; font: 13px/1.4 system-ui, "DejaVu Sans", sans-serif; color: #1d2530; background: #fff; }
header { padding: 8px 14px 6px; border-bottom: 1px solid #d5dae1; }
h1 { font-size: 16px; margin: 0 12px 0 0; display: inline; }
code { background: #eef1f5; padding: 1px 5px; border-radius: 3px; user-select: all; }
#controls { margin-top: 6px; display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; }
#controls button { font: inherit; min-width: 28px; padding: 1px 7px; border: 1px solid #b6bec9; border-radius: 4px; background: #f6f8fa; cursor: pointer; }
#controls button:hover { background: #e6ebf1; }
#controls label { white-space: nowrap; }
#status { color: #566070; margin-left: auto; }
#violations { display: none; max-height: 15vh; overflow: auto; padding: 4px 14px 6px; background: #fff1f0; border-bottom: 2px solid #d5222a; }
#violations.some { display: block; }
#violations b { color: #b3121a; }
#violations button { display: block; width: 100%; text-align: left; font: inherit; border: 0; background: none; padding: 2px 4px; cursor: pointer; border-radius: 3px; white-space: pre-wrap; }
#violations button:hover, #violations button.chosen { background: #ffd9d6; }
#overview { display: block; width: 100%; height: 34px; border-bottom: 1px solid #d5dae1; cursor: pointer; flex: none; }
#stage { flex: 1; min-height: 0; overflow-y: auto; overflow-x: hidden; position: relative; }
#picture { display: block; width: 100%; cursor: grab; user-select: none; }
#picture.dragging { cursor: grabbing; }
#legend { padding: 3px 14px 4px; border-top: 1px solid #d5dae1; color: #566070; display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12px; }
#legend svg { vertical-align: -2px; margin-right: 4px; }
#tip { position: fixed; display: none; pointer-events: none; max-width: 460px; background: #1d2530; color: #fff; padding: 6px 9px; border-radius: 5px; font-size: 12px; white-space: pre-wrap; box-shadow: 0 2px 8px #0006; z-index: 9; }
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #1d2530; pointer-events: none; }
text.small { font-size: 11px; }
text.faint { fill: #667080; }
text.halo { stroke: #fff; stroke-opacity: .8; stroke-width: 3px; paint-order: stroke; }
.lane { fill: #f7f8fa; }
.axis, .down, .moment { pointer-events: none; }
.axis { stroke: #dfe4ea; }
.down { stroke: #a3acb8; stroke-dasharray: 2 4; }
.starting { fill: #e3e7ec; }
.message { stroke-width: 1; fill: none; opacity: .55; }
.message.agreed { stroke: #34516e; }
.message.safe { stroke: #8a2be2; }
.dot { stroke: none; }
.dot.agreed { fill: #34516e; }
.dot.safe { fill: #8a2be2; }
.message.named { stroke: #d5222a; stroke-width: 2; opacity: 1; }
.dot.named { fill: #d5222a; }
.lost { fill: none; stroke: #d5222a; stroke-width: 1.5; }
.hop { stroke: #e07b00; stroke-width: 1.2; stroke-dasharray: 3 2; opacity: .8; }
.hit { stroke: transparent; stroke-width: 7; fill: none; }
.picked .message, .picked .dot { opacity: .12; }
.picked .message.chosen, .picked .dot.chosen { opacity: 1; stroke-width: 2.4; }
.changing { fill: url(#hatch); pointer-events: none; }
.paused { fill: #2b3440; opacity: .72; }
.fault rect { rx: 3; }
.fault.cut rect { fill: #e5484d; } .fault.noisy rect { fill: #f0a020; } .fault.paused-row rect { fill: #4a5563; }
.fault.machine rect { fill: #9c6b3f; } .fault.down-row rect { fill: #30363d; }
.fault text { fill: #fff; } .fault.noisy text { fill: #3a2600; }
.strip.cut { fill: #e5484d; } .strip.noisy { fill: #f0a020; } .strip.machine { fill: #9c6b3f; }
.step { stroke: #1d2530; stroke-width: 1; fill: #fff; }
.step.installed { fill: #2da44e; } .step.common_point { fill: #0b7285; } .step.failed { fill: #d5222a; stroke: #d5222a; }
.step.started { fill: #2da44e; } .step.retired { fill: #8b949e; } .step.planned, .step.completed, .step.promised { fill: #ffd33d; }
.client { stroke: #0b7285; stroke-width: 1.5; } .client.client_failed { stroke: #d5222a; }
.mark { fill: none; stroke: #d5222a; stroke-width: 2.5; }
.moment { stroke: #d5222a; stroke-dasharray: 5 3; stroke-width: 1.5; }
.mark.faint, .moment.faint { opacity: .25; }
.quiet { fill: #2da44e; opacity: .07; pointer-events: none; }
.cursor { stroke: #1d2530; opacity: .35; pointer-events: none; }
.window { fill: #2f6feb; opacity: .18; stroke: #2f6feb; }
)css";
}

std::string_view page_body() {
    return R"html(<header>
<div><h1 id="title"></h1><span id="summary"></span></div>
<div id="controls">
<span><button id="out" title="zoom out (-)">&minus;</button> <button id="in" title="zoom in (+)">+</button>
<button id="left" title="earlier (&larr;)">&larr;</button> <button id="right" title="later (&rarr;)">&rarr;</button>
<button id="fit" title="the whole run (0)">whole run</button> <button id="next" title="next violation (n)" hidden>next violation</button></span>
<label><input type="checkbox" id="show-messages" checked> messages</label>
<label><input type="checkbox" id="show-hops"> token</label>
<label><input type="checkbox" id="show-steps" checked> view changes</label>
<label><input type="checkbox" id="show-clients"> clients</label>
<label><input type="checkbox" id="show-faults" checked> faults</label>
<span id="status"></span>
</div>
</header>
<div id="violations"></div>
<svg id="overview"></svg>
<div id="stage"><svg id="picture"></svg></div>
<div id="legend">
<span><svg width="26" height="12"><rect width="26" height="12" rx="3" fill="hsl(200,60%,82%)" stroke="hsl(200,45%,45%)"/></svg>a view: its coordinator and members</span>
<span><svg width="26" height="12"><rect width="26" height="12" fill="url(#hatch)"/></svg>frozen: the view is being left</span>
<span><svg width="26" height="12"><rect width="26" height="12" class="starting"/></svg>no view yet</span>
<span><svg width="26" height="12"><rect width="26" height="12" class="paused"/></svg>stands still</span>
<span><svg width="26" height="12"><path d="M0 6H26" class="down"/></svg>down</span>
<span><svg width="26" height="12"><path d="M0 2L24 10" class="message agreed"/></svg>agreed</span>
<span><svg width="26" height="12"><path d="M0 2L24 10" class="message safe"/></svg>safe message, from number to delivery</span>
<span><svg width="52" height="12"><rect width="14" height="12" fill="#e5484d"/><rect x="18" width="14" height="12" fill="#f0a020"/><rect x="36" width="14" height="12" fill="#9c6b3f"/></svg>links cut, links bad, machine slow</span>
<span><svg width="14" height="14"><circle cx="7" cy="7" r="5" class="mark"/></svg>breaks a guarantee</span>
<span>wheel: zoom &middot; ctrl and wheel: taller lanes &middot; drag: move &middot; hover: details</span>
</div>
<div id="tip"></div>
)html";
}

std::string picture_of(const run_outcome& run, std::span<const ailing> ailments, const picture_options& options) {
    std::string result =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>Coterie: a run</title>\n<style>";
    result += page_style();
    result += "</style></head><body>\n";
    result += page_body();
    result += "<script>\nconst run = ";
    result += picture_data(run, ailments, options);
    result += ";\n";
    result += page_script();
    result += "</script></body></html>\n";
    return result;
}

} // namespace coterie::sim
