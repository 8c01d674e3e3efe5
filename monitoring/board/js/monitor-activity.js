// The job activity of one guild in <job-monitor>, as requirement 000 has it; it only looks.

import { count, h, some } from "./monitor-dom.js";
import { span } from "./times.js";

/** @typedef {{stream_name: string, message_id: string, metadata: Record<string, string | null>, job_data: Record<string, any>}} RecentJob */
/** @typedef {{name: string, pending_count: number}} Consumer */
/** @typedef {{stream_name: string, job_type: string, queued_count: number, pending_count: number, consumers: Consumer[]}} Stream */
/** @typedef {{guild_id: string, total_queued: number, total_pending: number, streams: Stream[], recent_jobs: RecentJob[]}} Activity */

const MOST = 20;

/** @param {Activity} read */
export function activity(read) {
  const consumers = new Set(read.streams.flatMap((each) => each.consumers.map(({ name }) => name)));
  const workers = consumers.size ? `${some(consumers.size, "worker")} processing` : "no workers active";
  return h(
    "section",
    { class: "panel", id: "activity", "aria-labelledby": "ach" },
    h("header", {}, h("h3", { id: "ach" }, `Activity of ${read.guild_id}`), h("span", { class: "sub" }, `${count(read.total_queued)} queued, ${count(read.total_pending)} processing, ${workers}`)),
    read.streams.length > 0 && h("ul", { class: "types" }, read.streams.map((each) => h("li", { "data-key": each.stream_name }, h("b", { class: "mtype" }, each.job_type), h("span", { class: "muted" }, `${count(each.queued_count)} queued, ${count(each.pending_count)} processing`)))),
    read.recent_jobs.length ? h("ul", { class: "feed" }, read.recent_jobs.slice(0, MOST).map(recent)) : h("p", { class: "body muted" }, "Nothing was sent yet."),
  );
}

/** @param {RecentJob} job */
function recent({ stream_name, message_id, metadata, job_data }) {
  const channel = metadata.channel_id ?? job_data.channel_id;
  const seconds = (Date.now() - Number(message_id.split("-")[0])) / 1000;
  return h("li", { "data-key": `${stream_name}/${message_id}` }, h("b", { class: "mtype" }, String(job_data.type ?? metadata.job_type ?? "?")), h("span", { class: "muted brk" }, channel ? `channel ${channel}` : ""), h("span", { class: "faint push" }, `${span(Math.max(0, seconds))} ago`));
}
