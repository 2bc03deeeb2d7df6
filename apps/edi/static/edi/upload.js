// @ts-check
/**
 * The upload form: files can be dropped on it, and each is sent by itself with a bar of its own.
 * Without this script the form sends them all at once, which works all the same.
 */

(() => {
  /** Files sent at the same time: more would only share the line. */
  const AT_ONCE = 2;

  /**
   * @typedef {{ file: File, text: HTMLElement, bar: HTMLProgressElement, line: HTMLElement }} Entry
   */

  /** @param {HTMLFormElement} form */
  function connect(form) {
    const input = form.querySelector('input[type="file"]');
    const list = form.querySelector("[data-sending-list]");
    const status = form.querySelector("[data-status]");
    const hint = form.querySelector("[data-drop-hint]");
    if (!(input instanceof HTMLInputElement && list instanceof HTMLElement && status)) return;
    if (hint instanceof HTMLElement) hint.hidden = false;
    let busy = false;

    /** @param {string} name @param {Record<string, string>} values */
    const words = (name, values) =>
      (form.dataset[name] ?? "").replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");

    /** @param {File} file @returns {Entry} */
    function show(file) {
      const line = document.createElement("li");
      const text = document.createElement("span");
      const bar = document.createElement("progress");
      bar.max = 100;
      bar.value = 0;
      bar.setAttribute("aria-label", file.name);
      text.textContent = words("sending", { name: file.name, percent: "0" });
      line.append(text, bar);
      list?.append(line);
      return { file, text, bar, line };
    }

    /** @param {Entry} entry @param {string} error */
    function fail(entry, error) {
      entry.text.textContent = words("failed", { name: entry.file.name, error });
      entry.line.classList.add("failed");
      entry.bar.remove();
      if (status) status.textContent = entry.text.textContent;
    }

    /** Send one file. @param {Entry} entry @returns {Promise<string>} its page, "" if it failed */
    function send(entry) {
      const { file } = entry;
      if (file.size > Number(form.dataset.limit)) {
        fail(entry, form.dataset.tooLarge ?? "");
        return Promise.resolve("");
      }
      return new Promise((resolve) => {
        const request = new XMLHttpRequest();
        request.open("POST", form.action);
        request.setRequestHeader("Accept", "application/json");
        request.responseType = "json";
        request.upload.addEventListener("progress", (event) => {
          if (!event.lengthComputable) return;
          const percent = Math.floor((100 * event.loaded) / event.total);
          entry.bar.value = percent;
          entry.text.textContent = words("sending", {
            name: file.name,
            percent: String(percent),
          });
        });
        request.addEventListener("load", () => {
          const answer = request.response;
          if (request.status < 300 && answer?.success) {
            entry.bar.value = 100;
            entry.text.textContent = words("sent", { name: file.name });
            if (status) status.textContent = entry.text.textContent;
            resolve(answer.files[0].url);
          } else {
            fail(entry, answer?.error ?? form.dataset.lost ?? "");
            resolve("");
          }
        });
        request.addEventListener("error", () => {
          fail(entry, form.dataset.lost ?? "");
          resolve("");
        });
        const body = new FormData();
        const token = form.querySelector('input[name="csrfmiddlewaretoken"]');
        if (token instanceof HTMLInputElement) body.append("csrfmiddlewaretoken", token.value);
        body.append("files", file);
        request.send(body);
      });
    }

    /** Send files; lead to the one that was sent, or to the list. @param {File[]} files */
    async function sendAll(files) {
      if (busy || files.length === 0) return;
      busy = true;
      list?.replaceChildren();
      if (list instanceof HTMLElement) list.hidden = false;
      const entries = files.map(show);
      const waiting = [...entries];
      /** @type {string[]} */
      const pages = [];
      const lane = async () => {
        for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
          pages.push(await send(entry));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      busy = false;
      form.reset();
      // What failed stays on the page to be read.
      if (pages.every(Boolean)) {
        location.assign(pages.length === 1 ? pages[0] : (form.dataset.list ?? location.href));
      }
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sendAll([...(input.files ?? [])]);
    });
    for (const kind of ["dragenter", "dragover"]) {
      form.addEventListener(kind, (event) => {
        event.preventDefault();
        form.classList.add("over");
      });
    }
    form.addEventListener("dragleave", (event) => {
      if (event.relatedTarget instanceof Node && form.contains(event.relatedTarget)) return;
      form.classList.remove("over");
    });
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      form.classList.remove("over");
      sendAll([...(event.dataTransfer?.files ?? [])]);
    });
  }

  const form = document.getElementById("upload");
  if (form instanceof HTMLFormElement) connect(form);
})();
