// @ts-check
/**
 * The theme: light, dark, or whatever the system prefers. Loaded before the first paint, so that a
 * dark page never flashes white. The choice is remembered in this browser.
 */

(() => {
  const KEY = "heron-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {"light" | "dark" | "auto"} the reader's choice */
  function choice() {
    try {
      const stored = localStorage.getItem(KEY);
      return stored === "light" || stored === "dark" ? stored : "auto";
    } catch {
      return "auto"; // storage can be forbidden
    }
  }

  /** @param {string} theme */
  function remember(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Then it holds for this page only.
    }
  }

  /** @param {string} theme */
  function show(theme) {
    const resolved = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
    document.documentElement.dataset.bsTheme = resolved;
    for (const button of document.querySelectorAll("[data-theme-switch] [data-theme]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-theme") === theme));
    }
  }

  /** Bring every switch on the page to life. */
  function connect() {
    for (const group of document.querySelectorAll("[data-theme-switch]")) {
      group.removeAttribute("hidden");
      group.addEventListener("click", (event) => {
        const target =
          event.target instanceof Element ? event.target.closest("[data-theme]") : null;
        const theme = target?.getAttribute("data-theme");
        if (!theme) return;
        remember(theme);
        show(theme);
      });
    }
    show(choice());
  }

  show(choice());
  dark.addEventListener("change", () => show(choice()));
  addEventListener("storage", (event) => {
    if (event.key === KEY) show(choice());
  });
  document.addEventListener("DOMContentLoaded", connect);
})();
