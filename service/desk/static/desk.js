// Keys, decisions without reloading, and a queue that notices what others do.
// Without this file every page works as plain forms and links.

const queue = document.querySelector("#queue");
const messages = document.querySelector("#messages");

if (queue) {
  const words = JSON.parse(queue.dataset.words);
  const plural = new Intl.PluralRules(document.documentElement.lang);
  const put = (text, value) => text.replace("{}", () => value);
  const number = (forms, n) => put(forms[plural.select(n)] ?? forms.other, n);

  const say = (text, undo) => {
    const box = document.createElement("div");
    box.className = "message";
    box.textContent = text + " ";
    if (undo) {
      const button = document.createElement("button");
      button.textContent = words.undo;
      button.addEventListener("click", undoLast);
      box.append(button);
    }
    messages.replaceChildren(box);
  };

  const token = queue.elements.csrf_token.value;
  const items = () => [...queue.querySelectorAll(".comment:not(.gone)")];
  const picked = () => items().filter((item) => item.querySelector("input").checked);
  let current = null;
  let decided = [];

  const send = async (url, fields) => {
    const body = new URLSearchParams([["csrf_token", token], ...fields]);
    const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) { location.reload(); throw new Error("signed out"); }
    return answer.json();
  };

  const choose = (item) => {
    current?.classList.remove("current");
    current = item;
    if (!item) return;
    item.classList.add("current");
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  };

  const step = (by) => {
    const list = items();
    const at = list.indexOf(current);
    choose(list[Math.min(Math.max(at + by, 0), list.length - 1)] ?? null);
  };

  const count = () => {
    const many = picked().length;
    document.querySelector("#picked").textContent = many ? number(words.some_selected, many) : current ? words.this_one : words.selected;
  };

  const decide = async (decision) => {
    const chosen = picked().length ? picked() : current ? [current] : [];
    if (!chosen.length) { say(words.choose); return; }
    const list = items();
    const next = list.slice(list.indexOf(chosen.at(-1)) + 1).find((item) => !chosen.includes(item));
    for (const item of chosen) { item.classList.add("gone"); item.querySelector("input").checked = false; }
    choose(next ?? items()[0] ?? null);
    const ids = chosen.map((item) => ["id", `${item.dataset.id}:${item.dataset.version}`]);
    const told = await send(queue.action, [...ids, ["decision", decision]]);
    for (const item of chosen) if (!told.done.includes(item.dataset.id)) item.classList.remove("gone");
    decided = chosen.filter((item) => told.done.includes(item.dataset.id));
    say([told.done.length ? number(words.decided[decision], told.done.length) : "", ...told.refused].filter(Boolean).join(" "), told.done.length > 0);
    refresh(-told.done.length);
    if (!items().length) location.reload();
  };

  window.undoLast = async () => {
    const told = await send(queue.dataset.undo, decided.map((item) => ["id", item.dataset.id]));
    if (told.done.length && decided.length) {
      location.reload();  // a decision moves the version: fetch the comment as it is now
      return;
    }
    say(told.done.length ? put(words.undone, told.done.length) : told.refused[0] ?? words.nothing_to_undo);
  };

  const refresh = (by) => {
    const shown = document.querySelector("#waiting");
    shown.textContent = Math.max(0, Number(shown.textContent) + by);
    count();
  };

  queue.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.value) decide(event.submitter.value);
  });
  queue.addEventListener("change", count);
  queue.addEventListener("click", (event) => {
    const item = event.target.closest(".comment");
    if (item && !event.target.closest("a, label, input")) { choose(item); count(); }
  });

  const help = document.querySelector("#help");
  const helper = document.querySelector("[data-help]");
  helper.hidden = false;
  helper.addEventListener("click", () => help.showModal());

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    a: () => decide("approve"),
    r: () => decide("reject"),
    s: () => decide("spam"),
    u: () => window.undoLast(),
    x: () => { if (current) { const box = current.querySelector("input"); box.checked = !box.checked; } },
    "/": () => { const box = document.querySelector("#search"); box.closest("details").open = true; box.focus(); },
    "?": () => help.showModal(),
    Enter: () => { if (current && document.activeElement === current) location.href = current.dataset.href; },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, summary, button") && event.key !== "Escape") return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); count(); }
  });

  // Ask now and then what is left; less often while nobody looks.
  let etag = "";
  const poll = async () => {
    try {
      const shown = items().map((item) => item.dataset.id);
      const url = `${queue.dataset.poll}?site=${queue.dataset.site}&ids=${shown.join(",")}`;
      const answer = await fetch(url, { headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.status === 200 && !answer.redirected) {
        etag = answer.headers.get("ETag") ?? "";
        const told = await answer.json();
        document.querySelector("#waiting").textContent = told.flagged;
        document.title = `${put(words.waiting, told.flagged)} – Winnow`;
        let gone = 0;
        for (const item of items()) {
          const who = told.claims[item.dataset.id];
          const mark = item.querySelector(".claimed");
          mark.hidden = !who;
          mark.textContent = who ? put(words.on_it, who) : "";
          if (shown.includes(item.dataset.id) && !told.waiting.includes(item.dataset.id)) { item.classList.add("gone"); gone += 1; }
        }
        if (gone) say(number(words.others_decided, gone));
        if (current?.classList.contains("gone")) step(1);
      }
    } catch { /* the next round tries again */ }
    setTimeout(poll, document.hidden ? 30000 : 4000);
  };
  setTimeout(poll, 4000);
  choose(items()[0] ?? null);
  count();
}

function undoLast() { window.undoLast?.(); }

const one = document.querySelector("#one");
if (one) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    one.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  });
}

// Whatever is to be copied has a button for it.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;  // over plain HTTP a browser has none: the text selects by a click
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
    const name = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}

// The first steps of a site: say when its first comment has come in.
const first = document.querySelector("#first");
if (first && !first.classList.contains("done")) {
  first.querySelector(".again").hidden = true;
  const look = async () => {
    try {
      const answer = await fetch(first.dataset.ask);
      const told = answer.ok && !answer.redirected ? await answer.json() : {};
      if (told.screened) {
        const link = first.querySelector(".came");
        link.href = told.comment;
        link.hidden = false;
        first.querySelector(".waits").hidden = true;
        first.classList.add("done");
        return;
      }
    } catch { /* the next round tries again */ }
    setTimeout(look, document.hidden ? 30000 : 2000);
  };
  setTimeout(look, 2000);
}
