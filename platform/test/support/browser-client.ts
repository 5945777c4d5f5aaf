import { request } from "node:http";
import { CSRF_HEADER, type SessionReply } from "@gantry/sdk/contract";

export interface BrowserAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown> & { code?: string; error?: string };
}

interface BrowserRequest {
  body?: unknown;
  headers?: Record<string, string>;
  /** Which parts of what a real dashboard sends are left out. */
  without?: ("csrf" | "origin")[];
}

/**
 * The dashboard as far as a server can tell: cookies, Origin, the CSRF header. Over node:http, which lets a test set Host and
 * Origin; redirects are not followed.
 */
export class BrowserClient {
  readonly cookies = new Map<string, string>();
  csrfToken = "";
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The session, as the dashboard asks for it first; remembers its CSRF token. */
  async session(): Promise<SessionReply> {
    const { body } = await this.send("GET", "/api/v1/auth/session");
    this.csrfToken = String(body.csrfToken);
    return body as unknown as SessionReply;
  }

  async post(path: string, body: unknown = {}, more: Omit<BrowserRequest, "body"> = {}): Promise<BrowserAnswer> {
    const answer = await this.send("POST", path, { body, ...more });
    if (typeof answer.body.csrfToken === "string") this.csrfToken = answer.body.csrfToken;
    return answer;
  }

  /** A form, as a page without script sends it. */
  async form(path: string, fields: URLSearchParams): Promise<BrowserAnswer> {
    return this.send("POST", path, {
      body: fields.toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  }

  /** A bearer token of the session. */
  async token(of: { project?: string; environment?: string } = {}): Promise<string> {
    const { status, body } = await this.post("/api/v1/auth/session/token", of);
    if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
    return String(body.token);
  }

  async send(method: string, path: string, options: BrowserRequest = {}): Promise<BrowserAnswer> {
    const { body, headers = {}, without = [] } = options;
    const { origin } = new URL(this.#url);
    const isChange = method !== "GET";
    const sent: Record<string, string> = {
      ...(this.cookies.size === 0
        ? {}
        : { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
      ...(isChange && !without.includes("origin") ? { origin } : {}),
      ...(isChange && !without.includes("csrf") ? { [CSRF_HEADER]: this.csrfToken } : {}),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    };
    const answer = await exchange(new URL(path, this.#url), method, sent, body);
    for (const cookie of [answer.headers["set-cookie"] ?? []].flat()) this.#keep(cookie);
    return answer;
  }

  #keep(cookie: string): void {
    const [pair = ""] = cookie.split(";");
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === "") this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

function exchange(url: URL, method: string, headers: Record<string, string>, body: unknown): Promise<BrowserAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parse(text) }),
      );
    });
    sent.on("error", reject);
    sent.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
  });
}

function parse(text: string): BrowserAnswer["body"] {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
