// SPDX-License-Identifier: BSD-3-Clause
// What draws. The whole picture is made anew for each window of time, of no more parts than a browser moves with ease: when
// there are more messages than that, every second, third, ... is shown, and the status line says so.
#include "sim/picture_page.hpp"

namespace coterie::sim {

std::string_view page_script() {
    return R"js("use strict";
const $ = id => document.getElementById(id);
const gutter = 64, axisHeight = 30, rowHeight = 17, arrowsMax = 4000, rowsMax = 7;
const picture = $("picture"), overview = $("overview"), stage = $("stage"), tip = $("tip");
const esc = text => String(text).replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}[c]));
const nodes = Array.from({length: run.nodes}, (_, at) => at + 1);
let from = 0, to = Math.max(run.end, 1), violationAt = -1, tips = [], stretch = 1;

const time = us => (us / 1000).toFixed(to - from < 20000 ? 3 : to - from < 2000000 ? 1 : 0) + " ms";
const span = (a, b) => `${time(a)} to ${time(b)} (${((b - a) / 1000).toFixed(1)} ms)`;
const ranges = list => {
    const parts = [];
    for (const id of list) {
        const last = parts[parts.length - 1];
        if (last && id === last[1] + 1) last[1] = id; else parts.push([id, id]);
    }
    return parts.map(([a, b]) => a === b ? a : b === a + 1 ? a + ", " + b : a + "–" + b).join(", ");
};
// Views get short names in the order in which they come; the ids in texts are replaced.
const shortName = new Map(run.views.map(([name], at) => [name, "V" + (at + 1)]));
const plain = text => text.replace(/\d+@\d+/g, id => shortName.get(id) || id.replace(/^\d+(\d{6}@)/, "…$1"));
const cutOff = (text, room) => fits(text, room) ? text : room > 36 ? text.slice(0, Math.floor(room / 6.9) - 1) + "…" : "";
const hue = view => (view * 137.508 + 200) % 360;
const kindClass = kind => ({cut: "cut", noisy: "noisy", paused: "paused-row", down: "down-row"}[kind] || "machine");

// Faults with those that the traces tell: who is down. Each gets a row in which it is alone for its time.
const faults = run.faults.map(([a, b, kind, words, who]) => ({a, b, kind, words, who}));
for (const id of nodes) {
    const lives = run.lives.filter(l => l[0] === id).sort((x, y) => x[1] - y[1]);
    lives.forEach((life, at) => {
        if (life[3] === "goes on") return;
        const back = at + 1 < lives.length ? lives[at + 1][1] : run.end;
        faults.push({a: life[2], b: back, kind: "down", words: `{${id}}` + (life[3] === "retired" ? " left" : ""), who: [id]});
    });
}
faults.sort((x, y) => x.a - y.a || y.b - x.b);
const faultWords = f => `${f.kind} ${f.words}`;

let laneHeight = 0, laneTop = 0, faultRows = 0, width = 0, height = 0;
const x = t => gutter + (t - from) / (to - from) * (width - gutter - 8);
const t = px => from + (px - gutter) / (width - gutter - 8) * (to - from);
const y = id => laneTop + (id - 0.5) * laneHeight;
const inside = (a, b) => b >= from && a <= to;
const tipped = text => `data-tip="${tips.push(text) - 1}"`;
const clip = (a, b) => { const l = Math.max(x(a), gutter), r = Math.min(x(b), width - 8); return [l, Math.max(r - l, 1)]; };
const fits = (text, room, letter = 6.9) => text.length * letter < room;

function placeFaults() {
    const ends = [];
    let hidden = 0;
    const shown = [];
    const gap = (to - from) / (width - gutter) * 3;
    for (const f of faults) {
        if (!inside(f.a, f.b)) continue;
        let row = ends.findIndex(end => end <= f.a);
        if (row < 0 && ends.length < rowsMax) row = ends.push(0) - 1;
        if (row < 0) { ++hidden; continue; }
        ends[row] = Math.max(f.b, f.a) + gap;
        shown.push({f, row});
    }
    return {shown, hidden, rows: ends.length};
}

function drawFaults(placed) {
    let out = "";
    for (const {f, row} of placed.shown) {
        const [left, wide] = clip(f.a, f.b);
        const top = axisHeight + row * rowHeight;
        const words = faultWords(f);
        out += `<g class="fault ${kindClass(f.kind)}" ${tipped(`${f.kind}: ${f.words}\n${span(f.a, f.b)}`)}>`
            + `<rect x="${left}" y="${top + 1}" width="${Math.max(wide, 2)}" height="${rowHeight - 3}"/>`;
        out += `<text class="small" x="${left + 4}" y="${top + 12}">${esc(cutOff(words, wide - 4))}</text>`;
        out += "</g>";
    }
    if (placed.rows) out += `<text class="small faint" x="4" y="${axisHeight + 12}">faults</text>`;
    if (placed.hidden) out += `<text class="small faint" x="4" y="${axisHeight + 26}">+${placed.hidden} more</text>`;
    return out;
}

function drawAxis() {
    const rough = (to - from) / Math.max(2, (width - gutter) / 110);
    const base = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(m => m * base).find(s => s >= rough);
    let out = "";
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
        const words = step >= 1000 ? `${+(at / 1000).toFixed(1)} ms` : `${(at / 1000).toFixed(3)} ms`;
        out += `<path class="axis" d="M${x(at)} 4V${height}"/><text class="small faint" x="${x(at) + 3}" y="12">${words}</text>`;
    }
    if (run.faultsEnd < to && run.faultsEnd > 0) {
        const [left, wide] = clip(Math.max(run.faultsEnd, from), to);
        out += `<rect class="quiet" x="${left}" y="${axisHeight}" width="${wide}" height="${height}"/>`;
        if (run.faultsEnd >= from && fits("faults have ended", wide)) out += `<text class="small faint" x="${left + 3}" y="${axisHeight - 4}">faults have ended</text>`;
    }
    return out;
}

function drawLanes() {
    let out = "", labels = "";
    const half = Math.min(laneHeight * 0.36, 22);
    for (const id of nodes) {
        out += `<rect class="lane" x="${gutter}" y="${y(id) - laneHeight / 2 + 1}" width="${width - gutter - 8}" height="${laneHeight - 2}"/>`
            + `<path class="down" d="M${gutter} ${y(id)}H${width - 8}"/>`
            + `<text x="${gutter - 8}" y="${y(id) + 4}" text-anchor="end"${laneHeight < 18 ? ' class="small"' : ""}>node ${id}</text>`;
    }
    for (const [id, a, b, how] of run.lives) {
        if (!inside(a, b)) continue;
        const [left, wide] = clip(a, b);
        out += `<rect class="starting" x="${left}" y="${y(id) - half * 0.6}" width="${wide}" height="${half * 1.2}" ${tipped(`node ${id}: no view yet\nlife of ${span(a, b)}, ${how}`)}/>`;
    }
    for (const [id, a, b, view] of run.spans) {
        if (!inside(a, b)) continue;
        const [left, wide] = clip(a, b);
        const [name, members] = run.views[view];
        out += `<rect class="view" x="${left}" y="${y(id) - half}" width="${wide}" height="${2 * half}" rx="3" fill="hsl(${hue(view)},60%,84%)" stroke="hsl(${hue(view)},45%,45%)" ${tipped(`node ${id} in view ${shortName.get(name)}, ${name}\n${members.length} members: ${ranges(members)}\n${span(a, b)}`)}/>`;
        const short = shortName.get(name), full = `${short} {${ranges(members)}}`;
        const words = fits(full, wide - 6) ? full : fits(short, wide - 4) ? short : "";
        if (words) labels += `<text class="small halo" x="${left + 4}" y="${y(id) - (half > 14 ? half - 12 : -4)}"${laneHeight < 14 ? ' font-size="10"' : ""}>${esc(words)}</text>`;
    }
    for (const [id, a, b] of run.changing) {
        if (!inside(a, b)) continue;
        const [left, wide] = clip(a, b);
        out += `<rect class="changing" x="${left}" y="${y(id) - half}" width="${wide}" height="${2 * half}"/>`;
    }
    if ($("show-faults").checked) {
        for (const f of faults) {
            if (!inside(f.a, f.b) || f.kind === "down") continue;
            const [left, wide] = clip(f.a, f.b);
            for (const id of f.who) {
                if (f.kind === "paused") {
                    out += `<rect class="paused" x="${left}" y="${y(id) - half}" width="${wide}" height="${2 * half}" ${tipped(`node ${id} stands still\n${span(f.a, f.b)}`)}/>`;
                } else {
                    const link = f.kind === "cut" || f.kind === "noisy";
                    const top = link ? y(id) - half - (f.kind === "cut" ? 4 : 2) : y(id) + half;
                    out += `<rect class="strip ${kindClass(f.kind)}" x="${left}" y="${top}" width="${wide}" height="${laneHeight < 20 ? 1.5 : link ? 2.5 : 3}"/>`;
                }
            }
        }
    }
    return {out, labels};
}

function drawMessages() {
    const shown = [];
    let arrows = 0;
    run.messages.forEach((m, index) => {
        const last = m[6].length ? m[6].reduce((most, each, at) => at % 2 ? Math.max(most, each) : most, m[1]) : m[1];
        if (inside(m[1], last)) { shown.push(index); arrows += m[6].length / 2; }
    });
    const step = Math.max(1, Math.ceil(arrows / arrowsMax));
    const heads = arrows / step < 500 ? ' marker-end="url(#head)"' : "";
    let out = "", drawn = 0;
    shown.forEach((index, at) => {
        const [id, sent, view, number, safe, named, got, contents] = run.messages[index];
        if (at % step && !named) return;
        ++drawn;
        const kind = `${named ? "named " : ""}${safe ? "safe" : "agreed"}`;
        let to = "";
        for (let each = 0; each < got.length; each += 2) to += `\n  node ${got[each]} at ${time(got[each + 1])}, after ${((got[each + 1] - sent) / 1000).toFixed(2)} ms`;
        const members = view >= 0 ? run.views[view][1] : [];
        const reached = new Set(got.filter((_, each) => each % 2 === 0));
        const missed = members.filter(n => !reached.has(n));
        const text = `packet ${number} of view ${view >= 0 ? "V" + (view + 1) : "?"}, ${safe ? "safe" : "agreed"}\nnumbered by node ${id} at ${time(sent)}${contents ? "\nof " + contents : ""}\ndelivered by${to || " nobody"}${missed.length ? "\nnot delivered by " + ranges(missed) : ""}`;
        out += `<g data-message="${index}" ${tipped(text)}>`;
        for (let each = 0; each < got.length; each += 2) {
            const to = got[each], at = got[each + 1];
            if (to !== id) {
                const line = `M${x(sent).toFixed(1)} ${y(id)}L${x(at).toFixed(1)} ${y(to)}`;
                out += `<path class="message ${kind}" d="${line}"${heads}/><path class="hit" d="${line}"/>`;
            } else {
                out += `<circle class="dot ${kind}" cx="${x(at).toFixed(1)}" cy="${y(id)}" r="${step > 3 ? 1.5 : 2.5}"/>`;
            }
        }
        if (!got.length) out += `<path class="lost" d="M${x(sent) - 4} ${y(id) - 4}l8 8m-8 0l8 -8"/>`;
        out += "</g>";
    });
    const every = step * run.messageStep;
    return {out, words: `${drawn} of ${Math.round(shown.length * run.messageStep)} messages drawn${every > 1 ? (step > 1 ? " (zoom in for more)" : " (the file holds no more)") : ""}`};
}

function drawSteps() {
    const some = run.steps.filter(s => s[1] >= from && s[1] <= to);
    const crowded = some.length > 1500;
    return some.map(([id, at, kind, words]) => {
        const life = kind === "started" || kind === "failed" || kind === "retired";
        if (crowded && !life && kind !== "installed") return "";
        const place = tipped(`node ${id} ${plain(words)}\nat ${time(at)}`);
        const low = y(id) + Math.min(laneHeight * 0.36, 22) - 3;
        if (kind === "failed") return `<path class="step failed" d="M${x(at) - 5} ${y(id) - 5}l10 10m-10 0l10 -10" stroke-width="2.5" ${place}/>`;
        if (life) return `<path class="step ${kind}" d="M${x(at)} ${y(id) - 6}l8 6l-8 6z" ${place}/>`;
        return `<circle class="step ${kind}" cx="${x(at)}" cy="${low}" r="${laneHeight < 20 ? 2 : 3.2}" ${place}/>`;
    }).join("");
}

function drawViolations() {
    let out = "";
    const few = run.violations.length <= 5;
    run.violations.forEach(([guarantee, what, events], index) => {
        const chosen = index === violationAt;
        const faint = violationAt >= 0 && !chosen ? " faint" : "";
        events.forEach(([id, at, words], which) => {
            if (at < from || at > to) return;
            if (which === 0 && (few || chosen)) out += `<path class="moment${faint}" d="M${x(at)} ${axisHeight}V${height}"/><text class="small" x="${x(at) + 3}" y="${height - 3}" style="fill:#b3121a">guarantee ${guarantee}</text>`;
            out += `<circle class="mark violation${faint}" cx="${x(at)}" cy="${y(id)}" r="${which ? 6 : 9}" ${tipped(`guarantee ${guarantee}: ${plain(what)}\n\nnode ${id} ${plain(words)}\nat ${time(at)}`)}/>`;
        });
    });
    return out;
}

function draw() {
    width = stage.clientWidth;
    const placed = $("show-faults").checked ? placeFaults() : {shown: [], hidden: 0, rows: 0};
    laneTop = axisHeight + Math.max(placed.rows, placed.hidden ? 2 : 0) * rowHeight + 6;
    laneHeight = stretch * Math.max(11, Math.min(150, (stage.clientHeight - laneTop - 16) / run.nodes));
    height = laneTop + laneHeight * run.nodes + 16;
    tips = [];
    const lanes = drawLanes();
    const messages = $("show-messages").checked ? drawMessages() : {out: "", words: ""};
    picture.setAttribute("height", height);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const hops = !$("show-hops").checked ? "" : run.hops.filter(h => inside(h[1], h[3])).slice(0, 4000).map(([a, s, b, e, hop]) =>
        `<path class="hop" d="M${x(s)} ${y(a)}L${x(e)} ${y(b)}" ${tipped(`token, hop ${hop}\nnode ${a} at ${time(s)} to node ${b} at ${time(e)}`)}/>`).join("");
    const clients = !$("show-clients").checked ? "" : run.clients.filter(c => c[1] >= from && c[1] <= to).slice(0, 4000).map(([id, at, kind, words]) =>
        `<path class="client ${kind}" d="M${x(at)} ${y(id) + Math.min(laneHeight * 0.36, 22)}v${Math.min(8, laneHeight / 4)}" ${tipped(`client ${plain(words)}\nat ${time(at)}`)}/>`).join("");
    picture.innerHTML = `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.4" height="6" fill="#1d2530" opacity=".45"/></pattern>`
        + `<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1L7 4L0 7" fill="none" stroke="#34516e"/></marker>`
        + `<clipPath id="inner"><rect x="${gutter}" y="0" width="${width - gutter - 8}" height="${height}"/></clipPath></defs>`
        + lanes.out + `<g clip-path="url(#inner)">${drawAxis()}${hops}${messages.out}${lanes.labels}${clients}${$("show-steps").checked ? drawSteps() : ""}${drawViolations()}<path class="cursor" id="cursor"/></g>`
        + drawFaults(placed);
    $("status").textContent = `${span(from, to)}${messages.words ? " · " + messages.words : ""}`;
    drawOverview();
}
)js"
           R"js(
function drawOverview() {
    const wide = overview.clientWidth, at = us => gutter + us / run.end * (wide - gutter - 8);
    let out = `<text class="small faint" x="4" y="21">whole run</text>`;
    const tall = 30 / run.nodes;
    for (const [id, a, b, view] of run.spans) out += `<rect x="${at(a)}" y="${2 + (id - 1) * tall}" width="${Math.max(at(b) - at(a), 0.5)}" height="${Math.max(tall - 0.4, 0.4)}" fill="hsl(${hue(view)},55%,72%)"/>`;
    for (const [, , events] of run.violations) if (events.length) out += `<path d="M${at(events[0][1])} 2V32" stroke="#d5222a" stroke-width="2"/>`;
    out += `<rect class="window" x="${at(from)}" y="1" width="${Math.max(at(to) - at(from), 3)}" height="32"/>`;
    overview.innerHTML = out;
}

function show(a, b) {
    const least = 20;
    const long = Math.min(Math.max(b - a, least), run.end);
    from = Math.max(0, Math.min(a, run.end - long));
    to = from + long;
    draw();
}
const zoom = (factor, around = (from + to) / 2) => show(around - (around - from) * factor, around + (to - around) * factor);
const move = part => show(from + (to - from) * part, to + (to - from) * part);

function chooseViolation(index) {
    violationAt = index;
    const events = run.violations[index][2];
    document.querySelectorAll("#violations button").forEach((each, at) => each.classList.toggle("chosen", at === index));
    if (!events.length) return;
    const times = events.map(e => e[1]), least = Math.min(...times), most = Math.max(...times);
    const room = Math.max((most - least) * 0.3, 15000), near = 500000;
    if (most - least < near) show(least - room, most + room); else show(times[0] - near / 4, times[0] + near / 4);
    stage.scrollTop = y(events[0][0]) - stage.clientHeight / 2;
}

// What came first is often the cause of the rest.
run.violations.sort((one, other) => (one[2].length ? one[2][0][1] : run.end) - (other[2].length ? other[2][0][1] : run.end));
$("title").textContent = run.title;
document.title = "Coterie: " + run.title;
$("summary").innerHTML = `${run.nodes} nodes, ${(run.end / 1e6).toFixed(2)} s, ${run.violations.length ? `<b style="color:#b3121a">${run.violations.length} violation${run.violations.length > 1 ? "s" : ""}</b>` : "every guarantee holds"} · <code>${esc(run.replay)}</code>`;
if (run.violations.length) {
    $("violations").className = "some";
    $("next").hidden = false;
    run.violations.forEach(([guarantee, what], index) => {
        const button = document.createElement("button");
        button.innerHTML = `<b>guarantee ${guarantee}</b> ${esc(plain(what))}`;
        button.onclick = () => chooseViolation(index);
        $("violations").append(button);
    });
}
$("in").onclick = () => zoom(0.5);
$("out").onclick = () => zoom(2);
$("left").onclick = () => move(-0.3);
$("right").onclick = () => move(0.3);
$("fit").onclick = () => show(0, run.end);
$("next").onclick = () => chooseViolation((violationAt + 1) % run.violations.length);
for (const each of ["messages", "hops", "steps", "clients", "faults"]) $("show-" + each).onchange = draw;
document.onkeydown = event => {
    const keys = {"+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "fit", n: "next"};
    const button = keys[event.key] && $(keys[event.key]);
    if (button && !button.hidden && event.target.tagName !== "INPUT") { button.click(); event.preventDefault(); }
};

const pixel = event => event.clientX - picture.getBoundingClientRect().left;
picture.addEventListener("wheel", event => {
    event.preventDefault();
    if (event.shiftKey) { stage.scrollTop += event.deltaY; return; }
    if (event.ctrlKey) { stretch = Math.min(12, Math.max(1, stretch * Math.exp(-event.deltaY / 400))); draw(); return; }
    zoom(Math.exp(event.deltaY / 400), t(pixel(event)));
}, {passive: false});
let drag = null;
picture.onpointerdown = event => {
    drag = {at: event.clientX, top: event.clientY, from, to, scroll: stage.scrollTop};
    picture.setPointerCapture(event.pointerId);
    picture.classList.add("dragging");
};
picture.onpointerup = () => { drag = null; picture.classList.remove("dragging"); };
picture.onpointermove = event => {
    if (drag) {
        const shift = (drag.at - event.clientX) / (width - gutter - 8) * (drag.to - drag.from);
        stage.scrollTop = drag.scroll + drag.top - event.clientY;
        if (shift) show(drag.from + shift, drag.to + shift);
        return;
    }
    hover(event);
};
picture.onpointerleave = () => { tip.style.display = "none"; };

function hover(event) {
    const cursor = $("cursor");
    const px = pixel(event);
    if (cursor) cursor.setAttribute("d", `M${px} ${axisHeight}V${height}`);
    const hit = event.target.closest("[data-tip]");
    const message = event.target.closest("[data-message]");
    picture.querySelectorAll(".chosen").forEach(each => each.classList.remove("chosen"));
    picture.classList.toggle("picked", Boolean(message));
    if (message) message.querySelectorAll(".message, .dot").forEach(each => each.classList.add("chosen"));
    tip.textContent = hit ? tips[hit.dataset.tip] : "";
    tip.style.display = hit ? "block" : "none";
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.min(event.clientX + 14, innerWidth - box.width - 8) + "px";
    tip.style.top = (event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18) + "px";
}

overview.onpointerdown = event => {
    const wide = overview.clientWidth - gutter - 8;
    const go = e => {
        const middle = (e.clientX - overview.getBoundingClientRect().left - gutter) / wide * run.end;
        const half = to - from >= run.end * 0.99 ? run.end * 0.05 : (to - from) / 2;
        show(middle - half, middle + half);
    };
    go(event);
    overview.setPointerCapture(event.pointerId);
    overview.onpointermove = go;
    overview.onpointerup = () => { overview.onpointermove = null; };
};
addEventListener("resize", draw);
// A window of time may be given with the address: #from=120&to=180 (ms).
const asked = new URLSearchParams(location.hash.slice(1));
const busy = [...run.spans, ...run.messages].reduce((most, each) => Math.max(most, each[1]), run.faultsEnd);
if (asked.has("from") && asked.has("to")) show(asked.get("from") * 1000, asked.get("to") * 1000); else show(0, busy * 1.1 + 1000);
)js";
}

} // namespace coterie::sim
