"""What a page is looked at for: the width of a phone, and ink that stands out from its ground."""

from __future__ import annotations

from playwright.sync_api import ViewportSize

PHONE: ViewportSize = {"width": 390, "height": 844}
# each text with a contrast under 4.5 to 1 (WCAG AA), or under 12 px
CONTRAST = """() => {
  const shade = (c) => { const n = c.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (el) => { for (; el; el = el.parentElement) { const c = shade(getComputedStyle(el).backgroundColor); if (c[3] > 0) return c; }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0, 1] : [255, 255, 255, 1]; };
  const weak = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !el.getClientRects().length || el.closest("button:disabled, .unseen, .skip")) continue;
    const style = getComputedStyle(el), ink = light(shade(el.closest("svg") ? style.fill : style.color)), ground = light(behind(el.closest("svg")?.parentElement ?? el));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${el.tagName}.${el.className.baseVal ?? el.className}: ${walk.currentNode.textContent.trim().slice(0, 40)}`);
    if (parseFloat(style.fontSize) < 12) weak.push(`${style.fontSize} ${walk.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return [...new Set(weak)];
}"""
