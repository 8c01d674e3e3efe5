// Asks the API for <job-monitor>: with a token that is asked for each time, or by the login.

/** @typedef {{method?: string, query?: Record<string, string>, headers?: Record<string, string>, signal?: AbortSignal}} Options */
/** @typedef {{subject: string, role: string, tenant: string | null, csrfToken?: string}} Session */
/** @typedef {() => string | null | undefined | Promise<string | null | undefined>} GetAuthToken */

/** Why the server did not do what it was asked, or could not be asked. */
export class Refused extends Error {
  /**
   * @param {{code: string, message: string, remedy?: string | null}} told
   * @param {number} [status] Of the answer; 0 if there was none.
   */
  constructor({ code, message, remedy }, status = 0) {
    super(message);
    this.code = code;
    this.remedy = remedy ?? "";
    this.status = status;
  }

  /** Whether another token would help. */
  get isAboutWho() {
    return this.status === 401 || this.status === 403 || this.code === "no_token";
  }
}

export class Api {
  /** What /api/session last told. @type {Session | null} */
  session = null;
  /** The token that it was asked with. @type {string | null | undefined} */
  known = null;

  /**
   * @param {string} base Where the API is, without a slash at its end.
   * @param {() => GetAuthToken | null} provider Tells the function that knows the token, if there is one.
   */
  constructor(base, provider) {
    this.base = base;
    this.provider = provider;
  }

  /** Know who asks: anew where the token is another one. @param {AbortSignal} signal */
  async know(signal) {
    const token = await this.provider()?.();
    if (this.session && token === this.known) return;
    this.session = await this.json("/api/session", { signal });
    this.known = token;
  }

  /**
   * Ask, and read the answer as JSON.
   * @param {string} path From /admin or /api on.
   * @param {Options} [options]
   * @returns {Promise<any>}
   */
  async json(path, options = {}) {
    const answer = await this.ask(path, options);
    return answer.json().catch(() => {
      throw new Refused({ code: "no_json", message: `${this.base} answers, but not as Postroom does.`, remedy: "See that api-url names Postroom." });
    });
  }

  /**
   * Ask; the answer is a good one.
   * @param {string} path
   * @param {Options} [options]
   */
  async ask(path, { method = "GET", query = {}, headers = {}, signal } = {}) {
    const address = `${this.base}${path}${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ""}`;
    const told = { Accept: "application/json", ...(await this.identity(method)), ...headers };
    const credentials = this.provider() ? "omit" : "same-origin";
    const answer = await fetch(address, { method, headers: told, signal, cache: "no-cache", credentials }).catch((error) => {
      throw signal?.aborted ? error : this.unreachable();
    });
    if (answer.ok) return answer;
    const found = await answer.json().catch(() => ({}));
    throw new Refused(found.error ?? { code: "refused", message: `The server answers ${answer.status}.` }, answer.status);
  }

  /** The headers that say who asks. @param {string} method @returns {Promise<Record<string, string>>} */
  async identity(method) {
    const provider = this.provider();
    if (!provider) return method !== "GET" && this.session?.csrfToken ? { "X-CSRF-Token": this.session.csrfToken } : {};
    const token = await provider();
    if (token) return { Authorization: `Bearer ${token}` };
    throw new Refused({ code: "no_token", message: "There is no token.", remedy: "Log in to the application." });
  }

  unreachable() {
    const elsewhere = new URL(this.base).origin !== location.origin;
    const remedy = elsewhere ? `See whether it runs, and whether its CORS_ORIGINS names ${location.origin}.` : "See whether it runs.";
    return new Refused({ code: "unreachable", message: `${this.base} cannot be reached.`, remedy });
  }
}
