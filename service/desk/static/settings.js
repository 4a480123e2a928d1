// Sliders over the number fields, and previews without reloading.
// Without this file the numbers are typed and Preview is an ordinary button.

const form = document.querySelector("#policy");
const words = JSON.parse(form.dataset.words);
const put = (text, value) => text.replace("{}", () => value);

function slider(field, verb) {
  const range = document.createElement("input");
  Object.assign(range, { type: "range", min: 0, max: 101, step: 0.1 });
  range.className = verb;
  range.setAttribute("aria-label", put(words.slider, field.labels[0].textContent.replace(/\s+/g, " ")));
  range.addEventListener("input", () => {
    field.value = range.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  range.addEventListener("change", () => field.dispatchEvent(new Event("change", { bubbles: true })));
  return range;
}

for (const row of form.querySelectorAll(".score")) {
  const fields = [...row.querySelectorAll("input[type=number]")];
  const ranges = fields.map((field, at) => slider(field, at ? "at-reject" : "at-hold"));
  const [hold, reject] = [row.querySelector(".b-hold"), row.querySelector(".b-reject")];
  const own = document.createElement("button");
  own.type = "button";
  own.className = "quiet own";
  own.textContent = words.own;
  own.setAttribute("aria-label", put(words.own_for, row.querySelector("legend").textContent));
  own.addEventListener("click", () => {
    for (const field of fields) field.value = "";
    fields[0].dispatchEvent(new Event("change", { bubbles: true }));
    show();
    fields[0].focus();
  });
  const show = () => {
    fields.forEach((field, at) => {
      const value = field.value === "" ? field.placeholder : field.value;
      if (ranges[at].value !== String(value)) ranges[at].value = value;
      const shown = value > 100 ? words.never : `${Number(value).toLocaleString(document.documentElement.lang)} %`;
      ranges[at].setAttribute("aria-valuetext", field.value === "" ? put(words.is_own, shown) : shown);
      ranges[at].classList.toggle("unset", field.value === "");
      const bar = at ? reject : hold;
      bar.setAttribute("x", Math.min(value, 100));
      bar.setAttribute("width", Math.max(0, 100 - value));
    });
    // Not `hidden`: a change of the layout would end the drag that caused it.
    own.disabled = fields.every((field) => field.value === "");
  };
  row.querySelector(".slider").append(...ranges);
  row.append(own);
  row.addEventListener("input", show);
  show();
}

// In each place the newest answer wins: a slow one must not write over a later one there, and what was
// asked for another place must not make it be thrown away.
const asked = {};
async function swap(button) {
  const target = document.querySelector(button.dataset.swap);
  const place = button.dataset.swap, mine = asked[place] = (asked[place] ?? 0) + 1;
  const body = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.action, { method: "POST", body });
  if (answer.redirected || ![200, 422].includes(answer.status)) { form.requestSubmit(button); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(button.dataset.swap);
  if (mine !== asked[place] || !fresh) return;
  mark(page, button === document.activeElement);
  const open = target.querySelector("details")?.open;
  target.replaceChildren(...fresh.childNodes);
  target.scrollIntoView({ block: "nearest" });
  if (open && target.querySelector("details")) target.querySelector("details").open = true;
}

// What is wrong is said above the form and beside each field, as after a reload; the person who pressed a
// button is led there.
function mark(page, go) {
  document.querySelector("#problems")?.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const text of form.querySelectorAll(".wrong[id]")) text.remove();
  for (const text of page.querySelectorAll(".wrong[id]")) {
    const field = document.getElementById(text.id.replace(/-wrong$/, ""));
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", text.id);
    field.closest(".field").append(text);
  }
  const problems = page.querySelector("#problems");
  if (!problems) return;
  form.before(problems);
  if (go) { problems.scrollIntoView(); problems.focus(); }
}

let swapping = false;
form.addEventListener("submit", async (event) => {
  if (!event.submitter?.dataset.swap || swapping) return;
  event.preventDefault();
  const label = event.submitter.value;
  try {
    await swap(event.submitter);
    form.querySelector(`button[value="${CSS.escape(label)}"]`)?.focus({ preventScroll: true });
  } catch { swapping = true; form.requestSubmit(event.submitter); }
});

let waiting;
form.addEventListener("change", (event) => {
  if (event.target.name === "sample") return;
  clearTimeout(waiting);
  waiting = setTimeout(() => swap(form.querySelector("button[value=preview]")).catch(() => {}), 250);
});
