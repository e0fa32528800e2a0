// Numbers tick and lines are added; a button that someone may be about to press is never moved or given another meaning.
(() => {
  const page = document.querySelector("main[data-now]"), stale = document.getElementById("stale"), waiting = {}, ARM = 1500;
  const skew = Date.now() / 1000 - Number(page.dataset.now);
  let heard = Date.now(), spoken = "";
  const span = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    const parts = [[Math.floor(s / 86400), "d"], [Math.floor(s / 3600) % 24, "h"], [Math.floor(s / 60) % 60, "min"], [s % 60, "s"]];
    const first = s ? parts.findIndex(([n]) => n) : 3;
    return parts.slice(first, first + 2).filter(([n]) => n).map((part) => part.join(" ")).join(" ") || "0 s";
  };
  const busy = (old) => { // someone marks text or writes there: it waits
    const chosen = document.getSelection(), field = document.activeElement;
    return (!chosen.isCollapsed && old.contains(chosen.anchorNode)) || (old.contains(field) && /INPUT|SELECT/.test(field.tagName));
  };
  const withhold = (old) => { // another plan than the one on the button: the button goes off, and says why
    old.dataset.off = "1";
    for (const b of old.querySelectorAll("button")) b.disabled = true;
    const link = Object.assign(document.createElement("a"), { href: location.pathname, textContent: "Show the new one" });
    const why = old.querySelector(".swapped");
    why.hidden = false; why.replaceChildren("This plan was replaced while you read. ", link);
  };
  const swap = (id, html) => { // false where it has to wait
    const old = document.getElementById(id), fresh = new DOMParser().parseFromString(html, "text/html").getElementById(id);
    if (!old || !fresh || old.dataset.off) return true;
    if (busy(old)) return false;
    if (old.dataset.asks && fresh.dataset.asks) { // the same question stays where it is
      if (old.dataset.asks !== fresh.dataset.asks) { withhold(old); return true; }
      if (old.dataset.key === fresh.dataset.key) return true;
    }
    for (const d of old.querySelectorAll("details[id]")) { const same = fresh.querySelector("#" + CSS.escape(d.id)); if (same) same.open = d.open; }
    const focus = old.contains(document.activeElement) && document.activeElement.id;
    if (old.dataset.key !== fresh.dataset.key) for (const b of fresh.querySelectorAll("button:enabled")) {
      b.disabled = true; setTimeout(() => { b.disabled = false; }, ARM); // not under a thumb that meant something else
    }
    old.replaceWith(fresh);
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    return true;
  };
  const turn = () => {
    for (const [id, html] of Object.entries(waiting)) if (swap(id, html)) delete waiting[id];
    for (const t of document.querySelectorAll("time[data-since]")) t.textContent = span(Date.now() / 1000 - skew - t.dataset.since);
    const age = (Date.now() - heard) / 1000, line = document.querySelector("#live-timeline li :is(span, summary)")?.textContent ?? "";
    stale.hidden = !page.dataset.stream || age < 15;
    if (!stale.hidden) stale.textContent = `Live updates stopped: this page is ${span(age)} old. Reload it before you decide.`;
    if (spoken && spoken !== line) document.getElementById("spoken").textContent = line;
    spoken = line;
  };
  addEventListener("click", (e) => { // a link into something folded opens it
    const to = e.target.closest?.('a[href^="#"]')?.hash, there = to && document.querySelector(to);
    if (there) for (const d of [there, there.querySelector("details")]) if (d?.tagName === "DETAILS") d.open = true;
  });
  setInterval(turn, 1000); turn();
  if (!page.dataset.stream) return;
  const source = new EventSource(page.dataset.stream), listen = (name, then) => source.addEventListener(name, (e) => { heard = Date.now(); then(e); });
  listen("regions", (e) => { Object.assign(waiting, JSON.parse(e.data)); turn(); });
  listen("beat", () => {});
  listen("over", () => { source.close(); location.reload(); });
})();
