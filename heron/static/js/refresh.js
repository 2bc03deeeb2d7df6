// @ts-check
/**
 * Pages with live bars: when a job changes its state, the parts marked `data-refresh` (each with an
 * id) are fetched again, so that lists and figures agree with the bar. The bars themselves stay.
 */

(() => {
  /** Jobs that change together are one refresh. */
  const PATIENCE_MS = 500;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  async function refresh() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh][id]")) {
      const newer = fresh.getElementById(part.id);
      // Nobody's focus is taken away: what they are using stays as it is.
      if (newer && !part.contains(document.activeElement)) part.replaceWith(newer);
    }
  }

  function soon() {
    clearTimeout(waiting);
    // A refresh that fails leaves the page as it was, which is what it shows anyway.
    waiting = setTimeout(() => refresh().catch(() => {}), PATIENCE_MS);
  }

  document.addEventListener("sse-progress:state", (event) => {
    // Without a previous state the page has only just learnt what it already shows.
    if (event instanceof CustomEvent && event.detail.previous) soon();
  });
})();
