// Keys, decisions without reloading, and a queue that notices what others do.
// Without this file every page works as plain forms and links.

const bar = document.querySelector("#bar");
if (bar) {
  const queue = document.querySelector("#queue");
  const undo = document.querySelector("#undo");
  const words = JSON.parse(bar.dataset.words);
  const plural = new Intl.PluralRules(document.documentElement.lang);
  const put = (text, value) => text.replace("{}", () => value);
  const number = (forms, n) => put(forms[plural.select(n)] ?? forms.other, n);
  const token = undo.elements.csrf_token.value;

  // A page that is left takes with it what it has not sent yet: what is on its way is answered first.
  let sending = 0;
  let stale = false;
  const reload = () => { stale = true; if (!sending) location.reload(); };

  const send = async (url, fields) => {
    const body = new URLSearchParams([["csrf_token", token], ...fields]);
    sending += 1;
    try {
      const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
      if (answer.redirected || !answer.ok) { stale = true; throw new Error("signed out"); }
      return await answer.json();
    } finally {
      sending -= 1;
      if (stale) reload();
    }
  };

  // -- what can still be undone: a stack, the latest last, each entry with the time at which it ends

  const said = document.querySelector("#said");
  const say = (text) => { said.textContent = text; };
  let stack = JSON.parse(said.dataset.stack).reverse().map((one) => ({ ...one, until: performance.now() + one.left }));
  let pace = null;

  const cardOf = (id) => document.querySelector(`#c-${CSS.escape(id)}`);
  const left = (entry) => put(words.seconds, Math.ceil((entry.until - performance.now()) / 1000));

  const tick = () => {
    for (const entry of stack) if (entry.until <= performance.now()) for (const id of entry.ids) cardOf(id)?.querySelector(".fold button")?.remove();
    stack = stack.filter((entry) => entry.until > performance.now());
    const top = stack.at(-1);
    undo.querySelector(".take-back").hidden = !top;
    undo.querySelector(".left").textContent = top ? left(top) : "";
    undo.querySelector(".deeper").textContent = stack.length > 1 ? number(words.more_to_undo, stack.length - 1) : "";
    if (!top) { clearInterval(pace); pace = null; }
  };
  const count_down = () => { tick(); pace ??= stack.length ? setInterval(tick, 250) : null; };

  const takeBack = async (entry) => {
    if (!entry) { say(words.nothing_to_undo); return; }
    stack = stack.filter((one) => one !== entry);
    count_down();
    const reply = await send(undo.action, entry.ids.map((id) => ["id", id]));
    const done = Object.entries(reply.done);
    say(done.length ? number(words.undone, done.length) : reply.refused[0] ?? words.nothing_to_undo);
    if (!done.length) return;
    const cards = done.map(([id, version]) => [cardOf(id), version]);
    // A comment that is not on this page is fetched with it.
    if (cards.some(([card]) => !card)) { location.hash = `c-${done[0][0]}`; reload(); return; }
    for (const [card, version] of cards) unfold(card, version);
    refresh(done.length);
    choose(cards[0][0]);
  };

  undo.addEventListener("submit", (event) => { event.preventDefault(); takeBack(stack.at(-1)); });

  // -- the comments

  const items = () => queue ? [...queue.querySelectorAll(".comment:not(.gone)")] : [];
  const picked = () => items().filter((item) => item.querySelector("input").checked);
  let current = null;

  // The chosen comment stands where the last one stood, so that the eye can stay there; if it is too
  // long for that it moves up, and never lies under the bar.
  const choose = (item, { still = false } = {}) => place(item, current && !still ? where(current) : null);
  // Positions of the page are whole pixels: measured again each time, the place would creep.
  let meant = 0;
  const where = (item) => {
    const { top } = item.getBoundingClientRect();
    return Math.abs(top - meant) < 2 ? meant : top;
  };
  const place = (item, stood) => {
    current?.classList.remove("current");
    current = item;
    if (!item) return;
    item.classList.add("current");
    if (!item.contains(document.activeElement)) item.focus({ preventScroll: true });
    const box = item.getBoundingClientRect();
    const low = innerHeight - bar.offsetHeight - 16;
    const wanted = stood === null ? box.top : Math.min(Math.max(stood, 12), innerHeight / 2);
    const top = Math.max(12, Math.min(wanted, low - box.height));
    meant = top;
    scrollBy({ top: box.top - top, behavior: "instant" });
  };

  // On a phone the bar grows with the first decision: the chosen comment must not come to lie under it.
  new ResizeObserver(() => { if (current) place(current, where(current)); }).observe(bar);

  const step = (by) => {
    const list = items();
    const at = list.indexOf(current);
    choose(list[Math.min(Math.max(at + by, 0), list.length - 1)] ?? null);
  };

  const count = () => {
    const many = picked().length;
    const label = document.querySelector("#picked");
    if (label) label.textContent = many ? number(words.some_selected, many) : current ? words.this_one : words.selected;
  };

  // A decided comment folds to one line that says as what, with its own undo while there is one.
  const fold = (item, became, entry) => {
    item.classList.add("gone");
    item.classList.remove("current", "whole");
    item.querySelector("input").checked = false;
    item.querySelector(".fold")?.remove();
    const line = document.createElement("p");
    line.className = "fold";
    const status = document.createElement("b");
    status.textContent = became;
    const link = document.createElement("a");
    link.href = item.dataset.href;
    link.textContent = `${item.dataset.name}: ${item.querySelector(".text").textContent.trim().slice(0, 120)}`;
    line.append(status, " ");
    if (entry) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words.undo;
      button.addEventListener("click", () => {
        const at = stack.find((one) => one.ids.includes(item.dataset.id));
        if (!at) { say(words.nothing_to_undo); return; }
        at.ids = at.ids.filter((id) => id !== item.dataset.id);
        stack = [...stack.filter((one) => one.ids.length), { ...at, ids: [item.dataset.id] }];
        takeBack(stack.at(-1));
      });
      line.append(button, " ");
    }
    line.append(link);
    item.append(line);
  };
  const unfold = (item, version) => {
    item.querySelector(".fold")?.remove();
    item.classList.remove("gone");
    if (version !== undefined) item.dataset.version = version;
  };

  const decide = async (decision) => {
    const chosen = picked().length ? picked() : current ? [current] : [];
    if (!chosen.length) { say(words.choose); return; }
    const list = items();
    const next = list.slice(list.indexOf(chosen.at(-1)) + 1).find((item) => !chosen.includes(item));
    const stood = where(current ?? chosen[0]);
    for (const item of chosen) fold(item, words.became[decision], true);
    place(next ?? items().at(-1) ?? null, stood);
    count();
    const ids = chosen.map((item) => ["id", `${item.dataset.id}:${item.dataset.version}`]);
    const reply = await send(queue.action, [...ids, ["decision", decision]]);
    for (const item of chosen) if (!reply.done.includes(item.dataset.id)) unfold(item);
    if (reply.done.length) {
      stack.push({ ids: reply.done, decision, until: performance.now() + 1000 * reply.undo_seconds });
      count_down();
    }
    say([reply.done.length ? number(words.decided[decision], reply.done.length) : "", ...reply.refused].filter(Boolean).join(" "));
    refresh(-reply.done.length);
    if (items().length < 10) await more();
    if (!items().length) reload();
  };

  const refresh = (by) => {
    const shown = document.querySelector("#waiting");
    shown.textContent = Math.max(0, Number(shown.textContent) + by);
    count();
  };

  // The next page's comments follow when few are left, so that no page has to be turned.
  let fetching = null;
  const more = () => fetching ??= (async () => {
    const link = document.querySelector("a[rel=next]");
    if (!link) return;
    const answer = await fetch(link.href);
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = new Set([...queue.querySelectorAll(".comment")].map((item) => item.id));
    for (const item of page.querySelectorAll("#queue .comment")) if (!known.has(item.id)) { queue.querySelector("ol").append(document.adoptNode(item)); measure(item); }
    const following = page.querySelector("a[rel=next]");
    if (following) link.href = following.getAttribute("href");
    else link.closest(".more").remove();
  })().catch(() => {}).finally(() => { fetching = null; });

  // -- long texts: a sign that there is more, and all of it by a key

  const measure = (item) => {
    const text = item.querySelector(".text");
    const cut = text.scrollHeight > text.clientHeight + 2;
    const rest = item.querySelector(".rest");
    if (!rest) return;
    rest.hidden = !cut && !rest.querySelector("a").dataset.text;
    if (!cut) text.removeAttribute("tabindex");
    text.classList.toggle("cut", !rest.hidden);
  };
  const whole = async (item) => {
    const rest = item?.querySelector(".rest");
    if (!rest || rest.hidden) return;
    const text = item.querySelector(".text");
    const source = rest.querySelector("a").dataset.text;
    if (source) {
      const answer = await fetch(source);
      if (!answer.ok || answer.redirected) { location.href = item.dataset.href; return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      text.replaceChildren(...page.body.childNodes);
    }
    rest.hidden = true;
    item.classList.add("whole");
    text.classList.remove("cut");
    text.tabIndex = 0;
    text.focus({ preventScroll: true });
    place(item, where(item));
  };

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
    u: () => takeBack(stack.at(-1)),
    m: () => whole(current),
    x: () => { if (current) { const box = current.querySelector("input"); box.checked = !box.checked; } },
    "/": () => { const box = document.querySelector("#search"); box.closest("details").open = true; box.focus(); },
    "?": () => help.showModal(),
    Enter: () => { if (current && document.activeElement === current) location.href = current.dataset.href; },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, summary, button, a") && !(event.key.length === 1 && event.target.closest("button, a"))) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); count(); }
  });

  if (queue) {
    document.body.classList.add("keyed");
    queue.addEventListener("submit", (event) => {
      event.preventDefault();
      if (event.submitter?.value) decide(event.submitter.value);
    });
    queue.addEventListener("change", count);
    queue.addEventListener("click", (event) => {
      const item = event.target.closest(".comment");
      if (event.target.closest(".rest a")) { event.preventDefault(); choose(item, { still: true }); whole(item); return; }
      if (item && !item.classList.contains("gone") && !event.target.closest("a, label, input, button")) { choose(item, { still: true }); count(); }
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
          const reply = await answer.json();
          document.querySelector("#waiting").textContent = reply.flagged;
          document.title = `${put(words.waiting, reply.flagged)} – Winnow`;
          let gone = 0;
          for (const item of items()) {
            const who = reply.claims[item.dataset.id];
            const mark = item.querySelector(".claimed");
            mark.hidden = !who;
            mark.textContent = who ? put(words.on_it, who) : "";
            const became = reply.gone[item.dataset.id];
            if (!became || !shown.includes(item.dataset.id)) continue;
            const stood = item === current ? where(item) : null;
            const following = items()[items().indexOf(item) + 1] ?? items()[0];
            fold(item, words.became_by.replace("{status}", () => became.says).replace("{name}", () => became.by), false);
            if (stood !== null) place(following === item ? null : following, stood);
            gone += 1;
          }
          if (gone) say(number(words.others_decided, gone));
        }
      } catch { /* the next round tries again */ }
      setTimeout(poll, document.hidden ? 30000 : 4000);
    };
    setTimeout(poll, 4000);
    items().forEach(measure);
    const named = location.hash ? cardOf(location.hash.slice(3)) : null;
    choose(named ?? items()[0] ?? null);
    count();
  }
  count_down();
}

// On a phone the navigation scrolls: the page that is open is seen in it.
for (const here of document.querySelectorAll("nav [aria-current]")) {
  const nav = here.closest("nav");
  nav.scrollLeft = Math.max(0, here.offsetLeft - nav.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2);
}

// A choice that needs no button acts at once.
for (const form of document.querySelectorAll("[data-at-once]")) {
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

// One comment: a key for each thing that can be done with it.
if (document.querySelector("#one")) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const named = (name) => document.querySelector(`[${name}~="${CSS.escape(event.key)}"]`);
    const [act, box] = [named("data-key"), named("data-open")];
    if (act || box) event.preventDefault();
    act?.click();
    if (box) { box.open = true; box.querySelector("textarea").focus(); }
  });
}

// Saved texts go to where the cursor is.
for (const list of document.querySelectorAll("[data-into]")) {
  list.closest("label").hidden = false;
  list.addEventListener("change", () => {
    const box = document.querySelector(list.dataset.into);
    if (list.value) box.setRangeText(list.value, box.selectionStart, box.selectionEnd, "end");
    list.value = "";
    box.focus();
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
      const reply = answer.ok && !answer.redirected ? await answer.json() : {};
      if (reply.screened) {
        const link = first.querySelector(".came");
        link.href = reply.comment;
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

// A page on work in progress: its figures are renewed; the page is loaded again once the work is done.
const figures = document.querySelector("[data-goes-on]");
if (figures) {
  const look = async () => {
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-goes-on]");
      if (!now && answer.status < 500) { location.reload(); return; }
      if (now && now.innerHTML !== figures.innerHTML) figures.replaceChildren(...now.childNodes);
    } catch { /* the next round tries again */ }
    setTimeout(look, document.hidden ? 30000 : 2000);
  };
  setTimeout(look, 2000);
}
