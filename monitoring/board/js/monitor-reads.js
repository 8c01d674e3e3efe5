// What <job-monitor> asks for beside its stream: what is stuck, the trends, a guild's activity.

const MS = { stuck: 30_000, trends: 60_000 };

/** @typedef {import("./monitor-trends.js").Period} Period */

export class Reads {
  /** @type {import("./monitor-view.js").Stuck[]} */
  stuck = [];
  /** @type {import("./monitor-trends.js").Read | null} */
  read = null;
  /** @type {import("./monitor-activity.js").Activity | null} */
  activity = null;
  /** @type {Period} */
  period = "24h";
  /** @type {typeof import("./monitor-trends.js") | null} */
  trending = null;
  /** @type {typeof import("./monitor-activity.js") | null} */
  acting = null;
  /** When each was read last. */
  at = { stuck: -Infinity, trends: -Infinity, activity: -Infinity };
  count = -1;

  /**
   * @param {import("./monitor-api.js").Api} api
   * @param {{interval: number, guild: () => string, show: () => void}} wishes
   */
  constructor(api, wishes) {
    this.api = api;
    this.wishes = wishes;
  }

  /** All of it is due. */
  forget() {
    this.at = { stuck: -Infinity, trends: -Infinity, activity: -Infinity };
  }

  /** Read what is due. @param {import("./monitor-sse.js").State | null} state */
  look(state) {
    if (state && state.stuck !== this.count) this.at.stuck = -Infinity;
    this.count = state?.stuck ?? -1;
    if (state && this.due("stuck", MS.stuck)) this.try(() => this.readStuck());
    if (state && this.due("trends", MS.trends)) this.try(() => this.readTrends());
    if (this.wishes.guild() && this.due("activity", this.wishes.interval)) this.try(() => this.readActivity());
  }

  /** @param {Period} period */
  turn(period) {
    this.period = period;
    this.at.trends = performance.now();
    this.try(() => this.readTrends());
  }

  /** @param {keyof Reads["at"]} name @param {number} ms */
  due(name, ms) {
    const now = performance.now();
    if (now - this.at[name] < ms) return false;
    this.at[name] = now;
    return true;
  }

  async readStuck() {
    this.stuck = this.count ? await this.api.json("/admin/jobs/alerts/stuck") : [];
  }

  async readTrends() {
    const { period } = this;
    this.trending ??= await import("./monitor-trends.js");
    const read = await this.trending.readTrends(this.api, period);
    if (period === this.period) this.read = read;
  }

  async readActivity() {
    this.acting ??= await import("./monitor-activity.js");
    this.activity = await this.api.json(`/api/guilds/${encodeURIComponent(this.wishes.guild())}/job-activity`);
  }

  /** What fails is due again later; what is wrong, the feed says. @param {() => Promise<void>} read */
  async try(read) {
    await read().catch(() => {});
    this.wishes.show();
  }

  /** The sections below the queues. @returns {(Node | null | undefined)[]} */
  sections() {
    return [this.read && this.trending?.trends(this.period, this.read), this.activity && this.acting?.activity(this.activity)];
  }
}
