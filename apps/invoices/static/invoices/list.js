// @ts-check
/**
 * The list of invoices: tick a whole page at once, and see how many are ticked. Without this script
 * the ticks and both buttons work all the same.
 */

(() => {
  /**
   * @param {HTMLElement} form
   * @param {HTMLInputElement} page ticks all lines
   * @param {HTMLButtonElement} button sends what is ticked
   * @param {HTMLElement} status says how many are ticked
   */
  function connect(form, page, button, status) {
    /** @returns {HTMLInputElement[]} the ticks of the lines that can be sent */
    const boxes = () =>
      [...form.querySelectorAll('input[name="invoice_ids"]')].filter(
        (box) => box instanceof HTMLInputElement,
      );

    function show() {
      const all = boxes();
      const n = all.filter((box) => box.checked).length;
      page.checked = n > 0 && n === all.length;
      page.indeterminate = n > 0 && n < all.length;
      button.disabled = n === 0;
      const label = button.querySelector("span");
      if (label && n > 0) label.textContent = text(button, n);
      status.textContent = n > 0 ? text(status, n) : (status.dataset.none ?? "");
    }

    page.addEventListener("change", () => {
      for (const box of boxes()) box.checked = page.checked;
    });
    // Bubbles up from the page's own tick too, after the lines have followed it.
    form.addEventListener("change", show);
    // Coming back, the browser restores the ticks without telling.
    addEventListener("pageshow", show);

    page.hidden = false;
    show();
  }

  /**
   * @param {HTMLElement} element carries the text for 1 and for more
   * @param {number} n
   * @returns {string}
   */
  function text(element, n) {
    const pattern = n === 1 ? element.dataset.one : element.dataset.other;
    return (pattern ?? "").replace("{n}", n.toLocaleString(document.documentElement.lang));
  }

  const form = document.getElementById("send-form");
  const page = document.getElementById("select-page");
  const button = document.getElementById("send-selected");
  const status = document.getElementById("selection");
  if (form && page instanceof HTMLInputElement && button instanceof HTMLButtonElement && status) {
    connect(form, page, button, status);
  }
})();
