// Server-sent events from the body of an answer: EventSource cannot send a token.

/** @typedef {{id: string, name: string, data: string}} ServerEvent `name` is empty for most. */

/**
 * The events of a stream, as they come; null for a sign of life without one.
 * @param {ReadableStream<BufferSource>} body
 * @param {number} patience For how many ms there may be silence.
 * @returns {AsyncGenerator<ServerEvent | null>}
 */
export async function* eventsOf(body, patience) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await within(patience, reader.read());
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop() ?? "";
      yield null;
      for (const part of parts) {
        const event = eventOf(part);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} text Lines, as this server ends them. @returns {ServerEvent | null} */
function eventOf(text) {
  const event = { id: "", name: "", data: "" };
  for (const line of text.split("\n")) {
    const at = line.indexOf(": ");
    const [field, value] = [line.slice(0, at), line.slice(at + 2)];
    if (field === "id") event.id = value;
    else if (field === "event") event.name = value;
    else if (field === "data") event.data += value;
  }
  return event.data ? event : null;
}

/**
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function within(ms, promise) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const silence = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error("silence")), ms)));
  return /** @type {Promise<T>} */ (Promise.race([promise, silence])).finally(() => clearTimeout(timer));
}

/** @typedef {{queueName: string, waiting: number, active: number, completed: number, failed: number, delayed: number, paused: boolean}} QueueRow */
/** @typedef {Omit<QueueRow, "queueName" | "paused">} Totals */
/** @typedef {{timestamp: string, queues: QueueRow[], totals: Totals, successRate: number, processingRate: number, stuck: number, partial?: boolean, removed?: string[]}} State */

/**
 * The state after an event: of many queues it tells only those that have changed.
 * @param {State | null} before
 * @param {State} event
 * @returns {State}
 */
export function merged(before, event) {
  const { partial, removed = [], ...state } = event;
  if (!partial) return state;
  const rows = new Map((before?.queues ?? []).map((row) => [row.queueName, row]));
  for (const name of removed) rows.delete(name);
  for (const row of state.queues) rows.set(row.queueName, row);
  return { ...state, queues: [...rows.values()] };
}
