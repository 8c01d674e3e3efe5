// A stream of this page's own, where browsers have no shared workers; none while it is hidden.

/**
 * @param {string} url Of the stream.
 * @param {(word: string) => void} heard Is told `tick` at each event, and `lost` while there is none.
 */
export function listen(url, heard) {
  /** @type {EventSource | null} */
  let own = null;
  const open = () => {
    own?.close();
    own = document.hidden ? null : new EventSource(url);
    if (!own) return heard("lost");
    own.onmessage = () => heard("tick");
    own.onerror = () => heard("lost");
  };
  document.addEventListener("visibilitychange", open);
  open();
}
