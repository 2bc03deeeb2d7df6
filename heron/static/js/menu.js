// @ts-check
/** Menus made of <details>: Escape and a click elsewhere close them, as one expects of a menu. */

(() => {
  /** @returns {HTMLDetailsElement[]} the menus that are open */
  const open = () =>
    [...document.querySelectorAll("details[data-menu][open]")].filter(
      (menu) => menu instanceof HTMLDetailsElement,
    );

  document.addEventListener("click", (event) => {
    for (const menu of open()) {
      if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      const held = menu.contains(document.activeElement);
      menu.open = false;
      if (held) menu.querySelector("summary")?.focus();
    }
  });
})();
