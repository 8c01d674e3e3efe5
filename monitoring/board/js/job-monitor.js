// <job-monitor api-url="..." auto-refresh refresh-interval="5000">: how the queues are, live, in a
// page of anybody's. Its property getAuthToken tells the token that every request bears.

import { patch } from "./patch.js";
import css from "./job-monitor.css.js";
import { Api, Refused } from "./monitor-api.js";
import { button, h } from "./monitor-dom.js";
import { Feed } from "./monitor-feed.js";
import { Reads } from "./monitor-reads.js";
import { note, numbers, queueTable, stuckJobs, verdict } from "./monitor-view.js";

/** @typedef {import("./monitor-api.js").GetAuthToken} GetAuthToken */
/** @typedef {import("./monitor-sse.js").State} State */

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

const OWN_SERVER = new URL("../../..", import.meta.url).href;
const MS = { least: 1000, usual: 5000, said: 10_000, old: 30_000, tick: 1000 };
const PROPERTIES = /** @type {const} */ (["apiUrl", "autoRefresh", "refreshInterval", "guildId", "getAuthToken"]);

export class JobMonitor extends HTMLElement {
  static observedAttributes = ["api-url", "auto-refresh", "refresh-interval", "guild-id"];

  /** @type {GetAuthToken | null} */
  #getAuthToken = null;
  /** @type {Feed | null} */
  #feed = null;
  /** @type {Api | null} */
  #api = null;
  /** @type {Reads | null} */
  #reads = null;
  #clock = 0;
  #said = 0;
  #due = false;
  #code = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(h("div", { class: "root", role: "region", "aria-label": "Job monitor" }, h("div", { class: "stack", id: "all" }), h("p", { class: "said", role: "status" })));
    root.addEventListener("click", (event) => this.#clicked(event));
  }

  connectedCallback() {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#clock = setInterval(() => this.#tick(), MS.tick);
    this.#restart();
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
    this.#feed?.stop();
    this.#feed = null;
  }

  attributeChangedCallback() {
    this.#restart();
  }

  get apiUrl() {
    return this.getAttribute("api-url") ?? OWN_SERVER;
  }

  set apiUrl(value) {
    this.setAttribute("api-url", value);
  }

  get autoRefresh() {
    return this.getAttribute("auto-refresh") !== "false";
  }

  set autoRefresh(value) {
    this.setAttribute("auto-refresh", String(value));
  }

  /** Between two questions while there is no stream, in ms. */
  get refreshInterval() {
    return Math.max(MS.least, Number(this.getAttribute("refresh-interval")) || MS.usual);
  }

  set refreshInterval(value) {
    this.setAttribute("refresh-interval", String(value));
  }

  /** Whose activity is shown as well; that of the token's tenant without one. */
  get guildId() {
    return this.getAttribute("guild-id") ?? this.#api?.session?.tenant ?? "";
  }

  set guildId(value) {
    this.setAttribute("guild-id", value);
  }

  /** Tells the token, now or later; null while nobody is logged in. Without it the login counts. */
  get getAuthToken() {
    return this.#getAuthToken;
  }

  set getAuthToken(value) {
    const first = !this.#getAuthToken !== !value;
    this.#getAuthToken = value;
    if (first) this.#restart();
    else if (this.#feed?.trouble?.isAboutWho) this.#feed.nudge();
  }

  /** What was told last; null before. */
  get metrics() {
    return this.#feed?.state ?? null;
  }

  /** Ask for everything now. */
  async refresh() {
    const feed = this.#feed;
    if (!feed) return;
    this.#reads?.forget();
    feed.nudge();
    if (feed.mode === "live") await feed.poll().catch(() => {});
  }

  /** A property that was set before this class was known. @param {typeof PROPERTIES[number]} name */
  #upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    Object.assign(this, { [name]: value });
  }

  /** Begin anew, once for all that is changed at the same time. */
  #restart() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.isConnected) this.#start();
    });
  }

  #start() {
    this.#feed?.stop();
    const base = new URL(this.apiUrl, document.baseURI).href.replace(/\/+$/, "");
    this.#api = new Api(base, () => this.#getAuthToken);
    this.#reads = new Reads(this.#api, { interval: this.refreshInterval, guild: () => this.guildId, show: () => this.#show() });
    const wishes = { auto: this.autoRefresh, interval: this.refreshInterval, told: () => this.#told(), turned: () => this.#turned() };
    this.#feed = new Feed(this.#api, wishes);
    this.#show();
  }

  #told() {
    this.#code = "";
    this.#send("update", this.metrics);
    this.#reads?.look(this.metrics);
    this.#show();
  }

  #turned() {
    const trouble = this.#feed?.trouble;
    if (trouble && trouble.code !== this.#code) this.#send("error", { code: trouble.code, message: trouble.message, remedy: trouble.remedy, status: trouble.status });
    this.#code = trouble?.code ?? "";
    if (this.#api?.session) this.#reads?.look(this.metrics);
    this.#show();
  }

  /** @param {string} name @param {unknown} detail */
  #send(name, detail) {
    this.dispatchEvent(new CustomEvent(`job-monitor-${name}`, { detail, bubbles: true, composed: true }));
  }

  #show() {
    const [feed, all] = [this.#feed, this.shadowRoot?.getElementById("all")];
    if (!feed || !all) return;
    const [state, reads] = [feed.state, this.#reads];
    const role = this.#api?.session?.role ?? "";
    const mayAct = role === "ADMIN" || role === "SUPER_ADMIN";
    const ofAll = state && [numbers(state), stuckJobs(reads?.stuck ?? [], state.stuck, mayAct), queueTable(state, mayAct)];
    const fresh = h("div", {}, this.#head(feed, state), this.#notes(feed, state), ...(ofAll || []), reads?.sections(), role && !mayAct && h("p", { class: "faint small" }, `Your role ${role} looks on; to pause, clear or retry needs ADMIN.`));
    all.classList.toggle("stale", this.#isOld(feed));
    patch(all, fresh);
  }

  /** @param {Feed} feed @param {State | null} state */
  #head(feed, state) {
    const title = state ? verdict(state) : this.#api?.session?.tenant ? "Jobs" : feed.trouble ? "Nothing can be shown" : "Loading";
    return h("header", { class: "head", id: "head" }, h("h2", {}, title), h("span", { class: "live" }, h("span", { class: feed.mode === "live" ? "dot" : "dot off" }), h("span", { id: "age" }, this.#age(feed))), button("Refresh", { "data-act": "refresh" }));
  }

  /** @param {Feed} feed */
  #age(feed) {
    const seconds = Math.round((performance.now() - feed.seen) / 1000);
    if (feed.mode === "live" && seconds * 1000 < MS.old) return "Live";
    if (feed.mode === "polling") return `Every ${Math.round(this.refreshInterval / 1000)} s`;
    if (feed.mode === "paused") return `Paused, ${seconds} s old`;
    return feed.seen ? `${seconds} s old` : "Not yet live";
  }

  /** @param {Feed} feed */
  #isOld(feed) {
    return feed.mode !== "paused" && feed.mode !== "manual" && !!feed.state && performance.now() - feed.seen > MS.old;
  }

  /** @param {Feed} feed @param {State | null} state */
  #notes(feed, state) {
    const { trouble } = feed;
    const found = [];
    if (trouble) found.push(note("bad", trouble.message, trouble.remedy));
    else if (this.#isOld(feed)) found.push(note("warn", "This is not up to date.", "The server has not been heard for a while; it is asked again and again."));
    if (feed.mode === "paused") found.push(note("", "Paused.", "Nothing has run for 5 minutes. A click, a key or a look at this window goes on."));
    if (!state && !trouble && feed.mode === "loading") found.push(h("div", { class: "skeleton", "aria-hidden": "true" }));
    return h("div", { class: "notes stack", id: "notes" }, found);
  }

  #tick() {
    const feed = this.#feed;
    if (!feed || document.hidden) return;
    if (this.#api?.session && feed.mode !== "manual" && feed.mode !== "paused") this.#reads?.look(feed.state);
    this.#show();
  }

  /** @param {Event} event */
  async #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const pressed = /** @type {HTMLElement | null} */ (target.closest("[data-act]"));
    if (!pressed) return;
    const { act = "", queue = "", job = "", type = "job", period = "24h" } = pressed.dataset;
    if (act === "refresh") return void this.refresh();
    if (act === "period") {
      this.#reads?.turn(/** @type {import("./monitor-trends.js").Period} */ (period));
      return this.#show();
    }
    await this.#do({ act, queue, job, type });
  }

  /** @param {import("./monitor-acts.js").Wanted} wanted */
  async #do(wanted) {
    const [api, root] = [this.#api, this.shadowRoot];
    if (!api || !root) return;
    try {
      const said = await (await import("./monitor-acts.js")).act(api, root, wanted);
      if (!said) return;
      this.#say(said);
      this.#send("action", { action: wanted.act, queue: wanted.queue, jobId: wanted.job || null });
    } catch (error) {
      const told = error instanceof Refused ? `${error.message} ${error.remedy}` : String(error);
      this.#say(`Not done: ${told}`, true);
    }
    await this.refresh();
  }

  /** @param {string} text @param {boolean} [stays] */
  #say(text, stays = false) {
    const line = this.shadowRoot?.querySelector(".said");
    if (!line) return;
    clearTimeout(this.#said);
    line.textContent = text;
    line.classList.toggle("bad", stays);
    if (!stays) this.#said = setTimeout(() => (line.textContent = ""), MS.said);
  }
}

if (!customElements.get("job-monitor")) customElements.define("job-monitor", JobMonitor);
