// Counts the comments of a campaign on: each request reads some more of them, until no more are left, enough
// were counted, or this took 30 requests. Without this file the page says how many it counted at first, "or more".

const amount = document.querySelector("#amount");

let next = amount.dataset.next;
for (let request = 0; next && request < 30; request += 1) {
  const answer = await fetch(next, { headers: { Accept: "application/json" } });
  if (!answer.ok) break;
  const counted = await answer.json();
  amount.textContent = counted.amount;
  for (const [status, number] of Object.entries(counted.counts)) {
    document.querySelector(`[data-count="${CSS.escape(status)}"]`).textContent = number;
  }
  document.querySelector("#uncounted").hidden = counted.whole;
  next = counted.next;
}
amount.removeAttribute("data-next");
