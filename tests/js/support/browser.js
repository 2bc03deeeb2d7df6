/** Just enough of a browser to run sse_progress.js, loaded as the classic script it is. */
import { readFileSync } from "node:fs";
import vm from "node:vm";

const SCRIPT = new URL("../../../apps/core/static/js/sse_progress.js", import.meta.url);

/** An element that has attributes and events, and neither children nor looks. */
class FakeElement extends EventTarget {
  #attributes = new Map();
  isConnected = true;

  getAttribute(name) {
    return this.#attributes.get(name) ?? null;
  }

  setAttribute(name, value) {
    this.#attributes.set(name, String(value));
  }

  hasAttribute(name) {
    return this.#attributes.has(name);
  }

  closest() {
    return this.hasAttribute("lang") ? this : null;
  }

  append() {}

  remove() {
    this.isConnected = false;
    this.disconnectedCallback?.();
  }
}

/** A stream that the test speaks through. */
class FakeEventSource extends EventTarget {
  static opened = [];
  closed = false;

  constructor(url) {
    super();
    this.url = url;
    FakeEventSource.opened.push(this);
  }

  close() {
    this.closed = true;
  }

  says(kind, data, lastEventId = "") {
    this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data ?? null), lastEventId }));
  }

  breaks() {
    this.dispatchEvent(new Event("error"));
  }

  static get latest() {
    return FakeEventSource.opened.at(-1);
  }

  static get live() {
    return FakeEventSource.opened.filter((source) => !source.closed);
  }
}

/**
 * Load the script without any DOM.
 * @returns {object} its parts
 */
export function loadWithoutBrowser() {
  vm.runInThisContext(readFileSync(SCRIPT, "utf8"), { filename: SCRIPT.pathname });
  return globalThis.SSEProgressUI;
}

/** Web Locks of a browser whose other tabs hold the locks that `taken` names. */
export function locksWithout(...taken) {
  return {
    request: async (name, _options, hold) => hold(taken.includes(name) ? null : { name }),
  };
}

/**
 * Load the script into a fake page.
 *
 * `answer` is called for each request and says what the server answers. Without `locks` the page
 * is as one outside a secure context.
 */
export function openPage({ answer = () => ({ status: 404 }), locks } = {}) {
  const requests = [];
  const elements = {};
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), {
    readyState: "complete",
    hidden: false,
    cookie: "",
    body: new FakeElement(),
    createElement: (tag) => new (elements[tag] ?? FakeElement)(),
    querySelector: () => null,
  });
  FakeEventSource.opened = [];
  delete globalThis.SSEProgressUI;
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  Object.assign(globalThis, {
    HTMLElement: FakeElement,
    EventSource: FakeEventSource,
    customElements: { define: (name, type) => Object.assign(elements, { [name]: type }) },
    document,
    location: new URL("http://heron.test/invoices/"),
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
    fetch: async (url, options) => {
      requests.push({ url, ...options });
      const { status = 200, body = {}, etag = "" } = answer(url, options);
      const headers = { "Content-Type": "application/json", ETag: etag };
      return new Response(status === 304 ? null : JSON.stringify(body), { status, headers });
    },
  });
  const SSEProgressUI = loadWithoutBrowser();

  /** A bar that knows its job as pending and follows it; the fake page draws nothing. */
  const addBar = (jobId, attributes = {}) => {
    const bar = document.createElement("sse-progress");
    bar.setAttribute("job-id", jobId);
    bar.setAttribute("lang", "fr");
    for (const [name, value] of Object.entries(attributes)) bar.setAttribute(name, value);
    bar.told = [];
    for (const name of ["start", "progress", "warning", "complete", "error", "cancel"]) {
      bar.addEventListener(`sse-progress:${name}`, ({ detail }) => bar.told.push([name, detail]));
    }
    bar.apply({ status: "pending" });
    return bar;
  };
  return { SSEProgressUI, FakeEventSource, addBar, document, window, requests };
}

/** Let promises settle. */
export async function settle() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
