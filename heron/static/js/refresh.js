// @ts-check
/**
 * Pages with live bars: when a job changes its state, and every few seconds while it moves, the
 * parts marked `data-refresh` (each with an id) are fetched again, so that lists and figures agree
 * with the bar. The bars themselves stay.
 */

(() => {
  /** Jobs that change together are one refresh. */
  const PATIENCE_MS = 500;
  /** How far the lists may be behind a bar that moves. */
  const PACE_MS = 4000;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pacing;

  /** Whether somebody is using a part: then it stays as it is. @param {Element} part */
  function inUse(part) {
    const selection = getSelection();
    const selects = selection && !selection.isCollapsed && selection.containsNode(part, true);
    return part.contains(document.activeElement) || selects;
  }

  async function refresh() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh][id]")) {
      const newer = fresh.getElementById(part.id);
      if (newer && !inUse(part) && !part.isEqualNode(newer)) part.replaceWith(newer);
    }
  }

  function soon() {
    clearTimeout(waiting);
    clearTimeout(pacing);
    pacing = undefined;
    // A refresh that fails leaves the page as it was, which is what it shows anyway.
    waiting = setTimeout(() => refresh().catch(() => {}), PATIENCE_MS);
  }

  document.addEventListener("sse-progress:state", (event) => {
    // Without a previous state the page has only just learnt what it already shows.
    if (event instanceof CustomEvent && event.detail.previous) soon();
  });

  // The job has moved on between the lists and the bar, which were read one after the other.
  if (document.querySelector("sse-progress[data-ahead]")) soon();

  document.addEventListener("sse-progress:progress", () => {
    if (!document.hidden) pacing ??= setTimeout(soon, PACE_MS);
  });
})();
