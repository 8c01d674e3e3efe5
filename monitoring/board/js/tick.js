// One stream for all open pages of a browser: it tells each of them that something has changed.
// Runs as a SharedWorker, because browsers open no more than six connections to one host.

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {EventSource | null} */
let stream = null;

/** @param {string} word */
const tell = (word) => ports.forEach((port) => port.postMessage(word));

/** @param {string} url */
function open(url) {
  if (stream) return;
  stream = new EventSource(url);
  stream.onmessage = () => tell("tick");
  stream.onopen = () => tell("open");
  stream.onerror = () => {
    tell("lost");
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = null;
    setTimeout(() => ports.size && open(url), 15000);
  };
}

addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data.word === "watch") open(data.url);
    else if (data.word === "leave") {
      ports.delete(port);
      if (!ports.size) {
        stream?.close();
        stream = null;
      }
    }
  };
});
