// Run by `npm test`, and by `make test-clients` against a running Winnow (URL, SITE_KEY) as well.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { BadSignature, Conflict, NotFound, Refused, Unavailable, Webhook, Winnow } from "winnow-client";

const NAMED = { content: "Mine came up early.", external_id: "42" };

function server(...answers) {
  const asked = [];
  const pauses = [];
  const fetch = async (url, options) => {
    asked.push({ url, ...options });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    const [status, body, headers] = answer;
    return new Response(typeof body === "string" ? body : JSON.stringify(body ?? {}), { status, headers });
  };
  const sleep = async (milliseconds) => void pauses.push(milliseconds);
  return { asked, pauses, client: new Winnow("http://w/", "wk_x", { fetch, sleep }) };
}

const GOOD = [202, { id: "1", status: "pending", outcome: "new" }];

for (const [name, trouble] of Object.entries({
  "503": [503, { detail: "busy" }, { "Retry-After": "2" }],
  "429": [429],
  "502": [502],
  network: new TypeError("fetch failed"),
})) {
  test(`a named comment is submitted again after ${name}`, async () => {
    const { asked, pauses, client } = server(trouble, GOOD);
    assert.equal((await client.submit(NAMED, { waitSeconds: 2 })).id, "1");
    assert.equal(asked.length, 2);
    assert.equal(asked[0].headers.Prefer, "wait=2");
    assert.ok(name === "503" ? pauses[0] === 2000 : pauses[0] < 1000);
  });
}

test("a comment without a name is not sent twice where it may have arrived", async () => {
  const { asked, client } = server([502], GOOD);
  await assert.rejects(client.submit({ content: "hello" }), Unavailable);
  assert.equal(asked.length, 1);
});

test("after four tries the caller knows that winnow is away", async () => {
  const { asked, client } = server(new TypeError("fetch failed"));
  await assert.rejects(client.submit(NAMED), Unavailable);
  assert.equal(asked.length, 4);
});

test("a long retry-after is the caller's to wait for", async () => {
  const { client } = server([503, {}, { "Retry-After": "300" }]);
  await assert.rejects(client.submit(NAMED), (problem) => problem.retryAfter === 300);
});

test("what is wrong is said and not tried again", async () => {
  const { asked, client } = server([422, { detail: "content: must not be empty" }]);
  await assert.rejects(client.submit(NAMED), (problem) => problem instanceof Refused && problem.status === 422);
  assert.equal(asked.length, 1);
  await assert.rejects(server([404]).client.get("a/b"), NotFound);
  await assert.rejects(server([409, { comment_id: "7" }]).client.submit(NAMED), (problem) => problem.commentId === "7");
  await assert.rejects(server([200, "<html>"]).client.get("1"), /not Winnow/);
});

const secret = () => `whsec_${randomBytes(32).toString("base64")}`;
const BODY = JSON.stringify({ type: "comment.approved", data: { id: "1", sequence: 3 } });

function signed(key, body = BODY, at = Math.floor(Date.now() / 1000)) {
  const bits = Buffer.from(key.replace("whsec_", ""), "base64");
  const mac = createHmac("sha256", bits).update(`evt_1.${at}.${body}`).digest("base64");
  return { "webhook-id": "evt_1", "webhook-timestamp": String(at), "webhook-signature": `v1,x v1,${mac}` };
}

test("a webhook is believed by either secret of a rotation", async () => {
  const [old, fresh] = [secret(), secret()];
  for (const headers of [signed(old), signed(fresh), new Headers(signed(fresh))]) {
    const event = await new Webhook([old, fresh]).verify(BODY, headers);
    assert.deepEqual([event.id, event.type, event.data.sequence], ["evt_1", "comment.approved", 3]);
  }
});

test("a webhook is not believed otherwise", async () => {
  const [key, other] = [secret(), secret()];
  const now = Math.floor(Date.now() / 1000);
  const good = signed(key);
  for (const [body, headers] of [
    [BODY, {}],
    [BODY, signed(other)],
    [BODY, signed(key, BODY, now - 301)],
    [BODY, signed(key, BODY, now + 400)],
    [`${BODY} `, good],
    [BODY, { ...good, "webhook-id": "evt_2" }],
    [BODY, { ...good, "webhook-timestamp": "x" }],
    [BODY, { ...good, "webhook-signature": "v1," }],
    ["[]", signed(key, "[]")],
    ["null", signed(key, "null")],
  ]) {
    await assert.rejects(new Webhook(key).verify(body, headers), BadSignature);
  }
  assert.throws(() => new Webhook("whsec_short"), TypeError);
});

test("a running winnow understands it", { skip: !process.env.SITE_KEY }, async () => {
  const winnow = new Winnow(process.env.URL, process.env.SITE_KEY);
  const answer = await winnow.submit({ ...NAMED, author: { email: "js@mail.example" } }, { waitSeconds: 5 });
  assert.equal(answer.status, "approved");
  assert.equal((await winnow.find("42")).id, answer.id);
  assert.equal(await winnow.find("43"), null);
  await assert.rejects(winnow.submit({ ...NAMED, content: "Other." }), Conflict);
  const decided = await winnow.decide(answer.id, "spam", { moderator: "ada" });
  assert.equal(decided.status, "spam");
  const history = Array.from({ length: 250 }, (_, n) => ({
    external_id: `h${n}`, content: `Old ${n}.`, created_at: "2020-01-01T00:00:00Z", status: "approved",
  }));
  const outcomes = [];
  for await (const one of winnow.remember(history)) outcomes.push(one.outcome);
  assert.deepEqual(new Set(outcomes), new Set(["new"]));
  assert.equal(outcomes.length, 250);
  const events = await winnow.events();
  assert.ok(events.items.some((event) => event.type === "comment.approved"));
  const exported = [];
  for await (const one of winnow.exportAuthor({ email: "js@mail.example" })) exported.push(one);
  assert.equal(exported.length, 1);
  assert.equal(await winnow.eraseAuthor({ email: "js@mail.example" }), 1);
});
