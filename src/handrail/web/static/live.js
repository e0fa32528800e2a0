// Numbers tick and lines are added; a button that someone may be about to press is never moved or given another meaning.
(() => {
  const page = document.querySelector("main[data-now]"), parser = new DOMParser(), ARM = 1500;
  const skew = Date.now() / 1000 - Number(page.dataset.now), stale = document.getElementById("stale");
  let heard = Date.now(), spoken = "";
  const span = (s) => {
    s = Math.max(0, Math.floor(s));
    const parts = [[Math.floor(s / 86400), "d"], [Math.floor(s / 3600) % 24, "h"], [Math.floor(s / 60) % 60, "min"], [s % 60, "s"]];
    const first = Math.max(0, parts.findIndex(([n]) => n)) || (s ? 0 : 3);
    return parts.slice(first, first + 2).filter(([n]) => n).map((p) => p.join(" ")).join(" ") || "0 s";
  };
  const tick = () => {
    for (const t of document.querySelectorAll("time[data-since]")) {
      const text = span(Date.now() / 1000 - skew - Number(t.dataset.since));
      if (t.textContent !== text) t.textContent = text;
    }
    const age = (Date.now() - heard) / 1000;
    if (page.dataset.stream && stale) {
      stale.hidden = age < 15;
      if (age >= 15) stale.textContent = `Live updates stopped: this page is ${span(age)} old. Reload it before you decide.`;
    }
  };
  const busy = (old) => {
    const chosen = document.getSelection(), field = document.activeElement;
    return (chosen && !chosen.isCollapsed && old.contains(chosen.anchorNode)) ||
      (old.contains(field) && /INPUT|SELECT/.test(field.tagName));
  };
  const withhold = (old) => { // another plan than the one on the button: the button goes off, and says why
    for (const b of old.querySelectorAll("button, a.button")) { b.disabled = true; if (b.href) b.removeAttribute("href"); }
    const why = old.querySelector(".swapped"), link = document.createElement("a");
    link.href = location.pathname; link.textContent = "Show the new one";
    why.hidden = false; why.replaceChildren("This plan was replaced while you read. ", link);
  };
  const swap = (id, html) => {
    const old = document.getElementById(id), fresh = parser.parseFromString(html, "text/html").getElementById(id);
    if (!old || !fresh || old.dataset.off) return true;
    if (busy(old)) return false;
    const asked = old.dataset.asks, asks = fresh.dataset.asks;
    if (asked && asks && asked !== asks) { old.dataset.off = "1"; withhold(old); return true; }
    if (asked && asks && id === "live-plan" && old.dataset.key === fresh.dataset.key) return true; // the same question stays put
    for (const d of old.querySelectorAll("details[id]")) {
      const same = fresh.querySelector(`#${CSS.escape(d.id)}`);
      if (same) same.open = d.open;
    }
    const focus = old.contains(document.activeElement) && document.activeElement.id;
    if (old.dataset.key !== fresh.dataset.key) for (const b of fresh.querySelectorAll("button")) {
      if (!b.disabled) { b.disabled = true; setTimeout(() => { b.disabled = false; }, ARM); }
    }
    old.replaceWith(fresh);
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    return true;
  };
  let waiting = {};
  const apply = () => { for (const [id, html] of Object.entries(waiting)) if (swap(id, html)) delete waiting[id]; };
  const speak = () => {
    const line = document.querySelector("#live-timeline li :is(span, summary)")?.textContent ?? "";
    if (spoken && line !== spoken) document.getElementById("spoken").textContent = line;
    spoken = line;
  };
  setInterval(() => { apply(); tick(); }, 1000); speak();
  if (!page.dataset.stream) return;
  const source = new EventSource(page.dataset.stream);
  source.addEventListener("regions", (e) => { heard = Date.now(); Object.assign(waiting, JSON.parse(e.data)); apply(); tick(); speak(); });
  source.addEventListener("beat", () => { heard = Date.now(); });
  source.addEventListener("over", () => { source.close(); location.reload(); });
})();
