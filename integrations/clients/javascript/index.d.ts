/** pending and flagged wait; show a comment only while it is approved. */
export type Status = "pending" | "approved" | "flagged" | "rejected" | "spam" | "erased";
export type Decision = "approve" | "reject" | "spam";

export interface Author {
  name?: string;
  email?: string;
  url?: string;
  ip?: string;
  user_agent?: string;
  role?: string;
}

export interface Post {
  url?: string;
  title?: string;
  /** RFC 3339, with a zone. */
  published_at?: string;
  language?: string;
}

export interface Comment {
  content: string;
  /** The blog's own id; it makes a repeat harmless. */
  external_id?: string;
  author?: Author;
  post?: Post;
  parent?: string;
  honeypot?: string;
  form_served_at?: string;
  submitted_at?: string;
}

export interface Past extends Comment {
  external_id: string;
  created_at: string;
  status: "approved" | "rejected" | "spam" | "flagged" | "pending";
}

export interface Reason {
  code: string;
  values: Record<string, string | number>;
  text: string;
}

export interface Answer {
  id: string;
  status: Status;
  external_id: string | null;
  outcome?: "new" | "same" | "conflict";
  links: { self: string; decision: string; desk: string };
  /** Left out of the short answer to a submission, as is everything below. */
  version?: number;
  revision?: number;
  content?: string;
  verdict?: "allow" | "flag" | "reject" | null;
  reasons?: Reason[];
  scores?: Record<string, number> | null;
}

export interface Remembered {
  external_id: string | null;
  outcome: "new" | "same" | "conflict" | "refused";
  id: string | null;
  status: Status | null;
  reason: string | null;
  lost: string[];
}

export interface Event {
  id: string;
  type:
    | "comment.approved"
    | "comment.flagged"
    | "comment.rejected"
    | "comment.spam"
    | "comment.edited"
    | "comment.revised"
    | "comment.erased"
    | "reply.requested"
    | "winnow.test";
  timestamp: string;
  /** Ignore an event whose sequence is no higher than the last you have seen. */
  data: {
    id?: string;
    external_id?: string;
    status?: Status;
    revision?: number;
    sequence?: number;
    [name: string]: unknown;
  };
}

export class WinnowError extends Error {}
export class Unavailable extends WinnowError {
  /** In seconds; null where Winnow did not say. */
  readonly retryAfter: number | null;
}
export class Refused extends WinnowError {
  readonly status: number;
  readonly problem: Record<string, unknown>;
}
export class NotFound extends Refused {}
export class Conflict extends Refused {
  readonly commentId: string | null;
}
export class BadSignature extends WinnowError {}

export interface Options {
  timeoutMs?: number;
  fetch?: typeof globalThis.fetch;
  sleep?: (milliseconds: number) => Promise<void>;
}

export class Winnow {
  constructor(url: string | URL, key: string, options?: Options);
  submit(comment: Comment, options?: { waitSeconds?: number }): Promise<Answer>;
  submitMany(comments: Comment[]): Promise<Answer[]>;
  get(id: string): Promise<Answer>;
  find(externalId: string): Promise<Answer | null>;
  edit(id: string, comment: Comment): Promise<Answer>;
  erase(id: string): Promise<void>;
  decide(
    id: string,
    decision: Decision,
    options?: { moderator?: string; reason?: string; note?: string; version?: number },
  ): Promise<Answer>;
  undo(id: string): Promise<Answer>;
  queue(): AsyncGenerator<Answer>;
  exportAuthor(author: { email?: string; ip?: string }): AsyncGenerator<Answer>;
  eraseAuthor(author: { email?: string; ip?: string }): Promise<number>;
  remember(history: Iterable<Past> | AsyncIterable<Past>): AsyncGenerator<Remembered>;
  events(options?: { after?: string; waitSeconds?: number; limit?: number }): Promise<{
    items: (Event & { cursor: string })[];
    next: string;
  }>;
}

export class Webhook {
  constructor(secrets: string | string[], options?: { now?: () => number });
  verify(
    body: string | ArrayBuffer | Uint8Array,
    headers: Headers | Record<string, string | string[] | undefined>,
  ): Promise<Event>;
}
