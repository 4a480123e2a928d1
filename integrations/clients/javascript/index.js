/** A client of Winnow: submit comments, receive decisions, verify webhooks. */

const TRIES = 4;
const PAUSES = [250, 1000, 3000];
const MOST_PATIENCE = 30;
const HISTORY = 200;
const TOLERANCE_SECONDS = 300;

/** Thrown when Winnow refused or failed; the base of the others. */
export class WinnowError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Thrown when Winnow does not answer, is busy or in trouble. Keep the comment hidden; try later. */
export class Unavailable extends WinnowError {
  constructor(message, retryAfter = null, options = undefined) {
    super(message, options);
    this.retryAfter = retryAfter;
  }
}

/** Thrown when a request is wrong and stays so. `problem` is Winnow's own account (RFC 9457). */
export class Refused extends WinnowError {
  constructor(status, problem) {
    super(String(problem.detail ?? problem.title ?? `HTTP ${status}`));
    this.status = status;
    this.problem = problem;
  }
}

/** Thrown when there is no such comment, site or endpoint for this key. */
export class NotFound extends Refused {}

/** Thrown when the comment moved on, or its external id belongs to other content. */
export class Conflict extends Refused {
  get commentId() {
    return typeof this.problem.comment_id === "string" ? this.problem.comment_id : null;
  }
}

/** Thrown when a webhook was not signed by Winnow, was changed on its way, or is too old. */
export class BadSignature extends WinnowError {}

const pause = (milliseconds) => new Promise((then) => setTimeout(then, milliseconds));

/** Winnow, for one site by its key. */
export class Winnow {
  #url;
  #key;
  #timeoutMs;
  #fetch;
  #sleep;

  constructor(url, key, { timeoutMs = 5000, fetch = globalThis.fetch, sleep = pause } = {}) {
    this.#url = String(url).replace(/\/+$/, "");
    this.#key = key;
    this.#timeoutMs = timeoutMs;
    this.#fetch = fetch;
    this.#sleep = sleep;
  }

  submit(comment, { waitSeconds = 0 } = {}) {
    return this.#ask("POST", "/v1/comments", {
      body: comment,
      headers: waitSeconds ? { Prefer: `wait=${waitSeconds}` } : {},
      patienceMs: waitSeconds * 1000,
      repeatable: isNamed(comment),
    });
  }

  async submitMany(comments) {
    const options = { body: { comments }, repeatable: comments.every(isNamed) };
    return (await this.#ask("POST", "/v1/comments/batch", options)).items;
  }

  get(id) {
    return this.#ask("GET", at(id));
  }

  async find(externalId) {
    try {
      const found = await this.#ask("GET", `/v1/comments${query({ external_id: externalId })}`);
      return found.items[0] ?? null;
    } catch (problem) {
      if (problem instanceof NotFound) return null;
      throw problem;
    }
  }

  edit(id, comment) {
    return this.#ask("PUT", at(id), { body: comment });
  }

  async erase(id) {
    await this.#ask("DELETE", at(id));
  }

  decide(id, decision, { moderator = "", reason = "", note = "", version } = {}) {
    const body = { decision, moderator, reason, note, ...(version === undefined ? {} : { version }) };
    return this.#ask("POST", `${at(id)}/decision`, { body, repeatable: false });
  }

  undo(id) {
    return this.#ask("POST", `${at(id)}/undo`, { repeatable: false });
  }

  queue() {
    return this.#pages("/v1/queue", {});
  }

  exportAuthor({ email, ip }) {
    return this.#pages("/v1/authors/comments", { email, ip });
  }

  async eraseAuthor({ email = "", ip = "" }) {
    return (await this.#ask("POST", "/v1/authors/erase", { body: { email, ip } })).erased;
  }

  async *remember(history) {
    let batch = [];
    for await (const one of history) {
      batch.push(one);
      if (batch.length === HISTORY) {
        yield* await this.#remembered(batch);
        batch = [];
      }
    }
    if (batch.length) yield* await this.#remembered(batch);
  }

  async #remembered(comments) {
    return (await this.#ask("POST", "/v1/history", { body: { comments }, patienceMs: 60_000 })).items;
  }

  events({ after, waitSeconds = 0, limit = 100 } = {}) {
    const path = `/v1/events${query({ after, wait: waitSeconds, limit })}`;
    return this.#ask("GET", path, { patienceMs: waitSeconds * 1000 });
  }

  async *#pages(path, parameters) {
    let cursor;
    do {
      const page = await this.#ask("GET", `${path}${query({ ...parameters, cursor })}`);
      yield* page.items;
      cursor = page.next;
    } while (cursor);
  }

  async #ask(method, path, { body, headers = {}, patienceMs = 0, repeatable = true } = {}) {
    for (let tries = 1; ; tries += 1) {
      const { problem, answer, isUndone } = await this.#once(method, path, body, headers, patienceMs);
      if (!problem) return answer;
      const again = problem instanceof Unavailable && (repeatable || isUndone) && tries < TRIES;
      if (!again || (problem.retryAfter ?? 0) > MOST_PATIENCE) throw problem;
      await this.#sleep(
        problem.retryAfter === null
          ? PAUSES[tries - 1] * (0.75 + Math.random() / 2)
          : problem.retryAfter * 1000,
      );
    }
  }

  /** One request. `isUndone`: Winnow said that nothing was stored. */
  async #once(method, path, body, headers, patienceMs) {
    let response, text;
    try {
      response = await this.#fetch(this.#url + path, {
        method,
        headers: {
          Authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "manual",
        signal: AbortSignal.timeout(this.#timeoutMs + patienceMs),
      });
      text = await response.text();
    } catch (cause) {
      return { problem: new Unavailable("Winnow does not answer", null, { cause }) };
    }
    let answer = null;
    try {
      if (text) answer = JSON.parse(text);
    } catch {
      answer = undefined;
    }
    const { status } = response;
    if (response.ok && answer !== undefined) return { answer };
    if (response.ok) return { problem: new Unavailable("what answers at this address is not Winnow") };
    const problem = answer && typeof answer === "object" ? answer : {};
    if (status === 429 || status >= 500) {
      const after = response.headers.get("retry-after") ?? "";
      const seconds = /^\d+$/.test(after) ? Number(after) : null;
      const away = new Unavailable(String(problem.detail ?? `HTTP ${status}`), seconds);
      return { problem: away, isUndone: status === 429 || status === 503 };
    }
    const Kind = { 404: NotFound, 409: Conflict }[status] ?? Refused;
    return { problem: new Kind(status, problem) };
  }
}

const isNamed = (comment) => Boolean(comment.external_id);
const at = (id) => `/v1/comments/${encodeURIComponent(id)}`;

function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

/** Tells Winnow's events from others, by an endpoint's secret; by several during a rotation. */
export class Webhook {
  #keys;
  #now;

  constructor(secrets, { now = Date.now } = {}) {
    const given = Array.isArray(secrets) ? secrets : [secrets];
    if (!given.length) throw new TypeError("give at least one secret");
    this.#keys = given.map(keyOf);
    this.#now = now;
  }

  /** Return the event of a request's raw body. Throws BadSignature. */
  async verify(body, headers) {
    const given = headerReader(headers);
    const id = given("webhook-id");
    const moment = given("webhook-timestamp");
    if (!id || !/^\d{1,12}$/.test(moment)) throw new BadSignature("no id or no time");
    if (Math.abs(this.#now() / 1000 - Number(moment)) > TOLERANCE_SECONDS) {
      throw new BadSignature("too old, or from the future");
    }
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
    const head = new TextEncoder().encode(`${id}.${moment}.`);
    const signed = new Uint8Array(head.length + bytes.length);
    signed.set(head);
    signed.set(bytes, head.length);
    const offered = given("webhook-signature").split(" ").slice(0, 10);
    let good = false;
    for (const bits of this.#keys) {
      const usage = ["verify"];
      const key = await crypto.subtle.importKey("raw", bits, { name: "HMAC", hash: "SHA-256" }, false, usage);
      for (const one of offered) {
        const signature = one.startsWith("v1,") ? decoded(one.slice(3)) : null;
        if (signature && (await crypto.subtle.verify("HMAC", key, signature, signed))) good = true;
      }
    }
    if (!good) throw new BadSignature("not signed by Winnow");
    let event;
    try {
      event = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      event = null;
    }
    if (typeof event?.type !== "string" || typeof event?.data !== "object" || !event.data) {
      throw new BadSignature("signed, but no event");
    }
    return { id, ...event };
  }
}

function headerReader(headers) {
  if (typeof headers.get === "function") return (name) => headers.get(name) ?? "";
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => String(lower[name] ?? "");
}

function decoded(text) {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

function keyOf(secret) {
  const key = decoded(String(secret ?? "").replace(/^whsec_/, ""));
  if (!key || key.length < 24) {
    throw new TypeError("a webhook's secret looks like whsec_... and was shown when it was made");
  }
  return key;
}
