// Lists of comments by keys: / searches, j and k go from one to the next, Enter opens it. A button that has a
// data-key is pressed by it.

const list = document.querySelector("#list");
const box = document.querySelector("#search");
const items = () => [...(list?.querySelectorAll(".comment") ?? [])];
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
let at = -1;

const step = (by) => {
  const all = items();
  if (!all.length) return;
  all[at]?.classList.remove("current");
  at = Math.min(Math.max(at + by, 0), all.length - 1);
  all[at].classList.add("current");
  all[at].focus({ preventScroll: true });
  all[at].scrollIntoView({ block: "center" });
};

const keys = {
  "/": () => { box?.focus(); box?.select(); },
  j: () => step(1),
  k: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === box) { box.blur(); return; }
  if (typing(event.target)) return;
  if (event.key === "Enter" && event.target.matches?.(".comment[data-href]")) { location.href = event.target.dataset.href; return; }
  const named = document.querySelector(`main [data-key="${CSS.escape(event.key)}"]`);
  if (named && !list?.contains(named)) { event.preventDefault(); named.click(); return; }
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
