// Keeps <job-monitor> as things are: a stream where that works, asking again and again where it
// does not, and the stream again as soon as it does. Nothing while the page is hidden.

import { Refused } from "./monitor-api.js";
import { eventsOf, merged } from "./monitor-sse.js";

/** @typedef {import("./monitor-sse.js").State} State */
/** @typedef {"loading" | "live" | "polling" | "paused" | "manual" | "waiting"} Mode */
/**
 * @typedef {object} Wishes
 * @property {boolean} auto Whether to look again by itself.
 * @property {number} interval Between two questions, in ms.
 * @property {(state: State) => void} told Something was heard.
 * @property {() => void} turned The mode or the trouble is another one.
 */

const MS = { silence: 40_000, brief: 5_000, longest: 60_000, refused: 30_000, idle: 300_000 };
const SIGNS = ["focus", "click", "change", "keydown"];

export class Feed {
  /** @type {Mode} */
  mode = "loading";
  /** What is wrong now. @type {Refused | null} */
  trouble = null;
  /** @type {State | null} */
  state = null;
  /** When the server was last heard. */
  seen = 0;
  lastId = "";
  failures = 0;
  /** How often the stream failed, and when it is tried again. */
  lost = 0;
  streamAt = 0;
  worked = performance.now();
  on = true;
  cut = new AbortController();
  wake = () => {};

  /**
   * @param {import("./monitor-api.js").Api} api
   * @param {Wishes} wishes
   */
  constructor(api, wishes) {
    this.api = api;
    this.wishes = wishes;
    this.sign = () => this.mode === "paused" && this.nudge();
    this.hide = () => (document.hidden ? this.cut.abort() : this.nudge());
    document.addEventListener("visibilitychange", this.hide);
    for (const kind of SIGNS) addEventListener(kind, this.sign, true);
    this.run();
  }

  stop() {
    this.on = false;
    document.removeEventListener("visibilitychange", this.hide);
    for (const kind of SIGNS) removeEventListener(kind, this.sign, true);
    this.cut.abort();
    this.wake();
  }

  /** Go on at once, whatever it waits for. */
  nudge() {
    this.worked = performance.now();
    this.wake();
  }

  async run() {
    while (this.on) {
      if (document.hidden) await this.pause(Infinity);
      else await this.turn();
    }
  }

  async turn() {
    if (this.cut.signal.aborted) this.cut = new AbortController();
    const streams = this.wishes.auto && performance.now() >= this.streamAt;
    try {
      await this.api.know(this.cut.signal);
      if (this.api.session?.tenant) return await this.leaveOut();
      if (streams) return await this.stream();
      await this.poll();
    } catch (error) {
      return this.cut.signal.aborted ? undefined : this.failed(error, streams);
    }
    await this.rest();
  }

  /** Ask once. */
  async poll() {
    const state = await this.api.json("/admin/jobs/live", { signal: this.cut.signal });
    this.failures = 0;
    this.lastId = "";
    this.hear(state);
  }

  async stream() {
    const began = performance.now();
    const headers = { Accept: "text/event-stream", ...(this.lastId && { "Last-Event-ID": this.lastId }) };
    const answer = await this.api.ask("/admin/jobs/live", { headers, signal: this.cut.signal });
    if (!answer.body) throw new Error("no body");
    for await (const event of eventsOf(answer.body, MS.silence)) this.take(event);
    this.cut.signal.throwIfAborted();
    // One that ends at once is broken; one that ends later has reached its hour, or its token's end.
    if (performance.now() - began < MS.brief) throw new Error("ended");
  }

  /** @param {import("./monitor-sse.js").ServerEvent | null} event */
  take(event) {
    this.seen = performance.now();
    if (!event) return;
    const told = JSON.parse(event.data);
    if (event.name) return this.say(this.mode, new Refused(told.error));
    this.lastId = event.id || this.lastId;
    this.lost = 0;
    this.mode = "live";
    this.hear(merged(this.state, told));
  }

  /** @param {State} state */
  hear(state) {
    this.state = state;
    this.seen = performance.now();
    if (state.totals.active) this.worked = this.seen;
    this.trouble = null;
    this.wishes.told(state);
  }

  /**
   * @param {unknown} error
   * @param {boolean} streaming
   */
  async failed(error, streaming) {
    const told = error instanceof Refused ? error : null;
    if (told?.isAboutWho) {
      const again = !!this.api.session && told.status === 401; // the next token may be a good one
      this.api.session = null;
      this.say("waiting", told);
      return this.pause(again ? 0 : told.code === "no_token" ? this.wishes.interval : MS.refused);
    }
    if (streaming && this.api.session) {
      this.streamAt = performance.now() + Math.min(MS.longest, this.wishes.interval * 2 ** this.lost++);
      return undefined;
    }
    this.failures += 1;
    this.say("waiting", told ?? this.api.unreachable());
    return this.pause(Math.min(MS.refused, this.wishes.interval * 2 ** this.failures));
  }

  /** Between two questions. */
  async rest() {
    if (!this.wishes.auto) {
      this.say("manual");
      return this.pause(Infinity);
    }
    const idle = performance.now() - this.worked > MS.idle;
    this.say(idle ? "paused" : "polling");
    return this.pause(idle ? Infinity : this.wishes.interval);
  }

  /** Who may see one tenant only is not told of all queues: the element shows what is the tenant's. */
  async leaveOut() {
    this.say(this.wishes.auto ? "polling" : "manual");
    await this.pause(this.wishes.auto ? this.wishes.interval : Infinity);
    this.api.known = null; // so that a token that is over is noticed
  }

  /**
   * @param {Mode} mode
   * @param {Refused | null} [trouble]
   */
  say(mode, trouble = null) {
    this.mode = mode;
    this.trouble = trouble;
    this.wishes.turned();
  }

  /** @param {number} ms */
  async pause(ms) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    await new Promise((done) => {
      this.wake = () => done(undefined);
      if (ms < Infinity) timer = setTimeout(done, ms);
    });
    clearTimeout(timer);
    this.wake = () => {};
  }
}
