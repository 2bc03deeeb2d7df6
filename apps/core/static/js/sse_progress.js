// @ts-check
/*!
 * sse_progress.js: live progress of jobs, as <sse-progress> and as SSEProgressUI. No dependency.
 *
 * Every event carries a job's whole state, so a lost event costs nothing: the next event or the
 * next snapshot heals it. The parts, in order: words, job state, rate, announcements, transport,
 * view model, card, element, and the class that pages call.
 */

/**
 * The wire format, shared by events, snapshots and callbacks.
 *
 * @typedef {"pending" | "running" | "pausing" | "paused" | "cancelling" | "cancelled" | "completed"
 *   | "failed" | "expired"} Status
 * @typedef {"start" | "progress" | "warning" | "complete" | "error"} Kind
 * @typedef {"done" | "skipped" | "failed" | "in_doubt"} Outcome
 * @typedef {{ ref?: string, code?: string, message: string }} Warning
 * @typedef {{ total: number, items: Warning[], href?: string | null }} Warnings
 * @typedef {{ code?: string, message: string, hint?: string, ref?: string }} Failure
 * @typedef {{ label: string, href: string, bytes?: number | null }} ResultLink
 * @typedef {{ summary?: string, links?: ResultLink[] }} Result
 * @typedef {{ name: string, label: string, url: string, method?: string, confirm?: string | null }}
 *   Action
 * @typedef {object} JobState
 * @property {string} [job_id]
 * @property {number | null} seq  grows per job; `null` from a sender that doesn't number its events
 * @property {Status} status
 * @property {string} title
 * @property {string} message
 * @property {number} current
 * @property {number | null} total  `null` while unknown
 * @property {number | null} percent  whole number; 100 only once completed; `null` while unknown
 * @property {Record<Outcome, number>} counts
 * @property {{ one: string, other: string } | null} unit
 * @property {{ index: number, count: number, label?: string } | null} stage
 * @property {number | null} rate  items a second
 * @property {number | null} eta_s
 * @property {number | null} elapsed_s
 * @property {number | null} resumes_in_s  of a waiting job, until the next try; `null` for at once
 * @property {number | null} queue_position
 * @property {Warnings} warnings
 * @property {Result | null} result
 * @property {Failure | null} error
 * @property {{ alive: boolean, seen_s?: number } | null} worker
 * @property {Action[]} actions  what this reader may do now; only snapshots tell
 * @property {string} [lang]  language of the texts
 */

/**
 * What the page shows, as `data-state`: "partial" is a completed job with failed or doubtful items.
 * @typedef {Status | "partial"} View
 *
 * The link between page and server: "live" = events arrive, "polling" = snapshots are read every
 * few seconds, "waiting" = nothing answers and the next attempt is planned.
 * @typedef {"idle" | "connecting" | "live" | "polling" | "waiting"} LinkState
 *
 * What a hub needs of a bar.
 * @typedef {object} Subscriber
 * @property {string} jobId
 * @property {string} channel
 * @property {boolean} known  whether the job has been seen on the server yet
 * @property {number} checkedAt  when a snapshot was last asked for
 * @property {number} lastNews  when the server last said anything about the job
 * @property {(data: unknown, kind: Kind) => void} receive
 * @property {(again?: boolean) => unknown} resync
 * @property {(state: LinkState) => void} linkChanged
 * @property {(url: string) => void} connecting
 * @property {(now: number) => void} tick
 *
 * What `onError` and `sse-progress:error` are given: `error` is text, its facts are in `details`.
 * @typedef {Omit<JobState, "error"> & { error: string, details: Failure }} FailedJob
 *
 * @typedef {object} UIOptions
 * @property {string} [title]
 * @property {string} [icon]  an emoji, `#name` of a built-in icon, or CSS classes
 * @property {boolean} [showDetails]  list of warnings; shown by default
 * @property {boolean} [showStats]  counts per outcome; shown by default
 * @property {boolean} [debug]  log every event to the console
 * @property {string} [statusUrl]
 * @property {string} [streamUrl]
 * @property {string} [channel]
 * @property {string} [variant]
 * @property {object} [state]  the job's snapshot, where the page has it already
 * @property {(result: JobState) => void} [onComplete]
 * @property {(failure: FailedJob) => void} [onError]
 * @property {(state: JobState) => void} [onProgress]
 * @property {(state: JobState) => void} [onWarning]
 * @property {(link: { state: LinkState }) => void} [onConnectionChange]
 */

(() => {
  if ("SSEProgressUI" in globalThis) return; // the script may be on the page twice

  /** Where things are and how long to wait. Writable as `SSEProgressUI.config`; milliseconds. */
  const config = {
    prefix: "/core/",
    streamUrl: "{prefix}events/",
    statusUrl: "{prefix}sse-progress/{job}/",
    csrfCookie: "csrftoken",
    /** The server refuses a connection with more channels than this. */
    maxChannels: 10,
    /** Streams a browser may hold over HTTP/1.1, which allows six connections to a host. */
    streamSlots: 3,
    slotRetry: 15_000,
    openTimeout: 5_000,
    openGiveUp: 20_000,
    streamRetry: 60_000,
    /** The server sends a keep-alive every 20 s; a half-open socket sends nothing, nor an error. */
    silence: 45_000,
    quiet: 10_000,
    poll: 3_000,
    /** Polling when there is no stream to be had at all, as under WSGI. */
    pollWithoutStream: 1_500,
    hiddenGrace: 30_000,
    hiddenPoll: 20_000,
    /** The first new attempt comes within this time, each further one within half as much again.
     * Where in it is left to chance: thousands of pages may have lost the same server. */
    backoffMin: 3_000,
    backoffMax: 30_000,
    /** The server takes a ticket for a little longer than this. */
    ticketLife: 45_000,
    missingGrace: 15_000,
    languageResync: 2_000,
    requestTimeout: 10_000,
    finalSnapshotTimeout: 2_000,
    lostShownAfter: 1_500,
    lostSaidAfter: 5_000,
    announcementGap: 5_000,
    milestoneGap: 20_000,
    tick: 500,
    /** A bar whose page says nothing of its job asks for the snapshot if its stream has not told it
     * by then. */
    firstLook: 150,
  };

  /* ------------------------------------------------------------------ words */

  const MESSAGES = {
    fr: {
      state: {
        pending: "En attente",
        running: "En cours",
        pausing: "Mise en pause…",
        paused: "En pause",
        cancelling: "Annulation…",
        cancelled: "Annulé",
        completed: "Terminé",
        partial: "Terminé avec des erreurs",
        failed: "Échec",
        expired: "Expiré",
        lost: "Reconnexion",
      },
      count: {
        done: { one: "succès", other: "succès" },
        skipped: { one: "sans objet", other: "sans objet" },
        failed: { one: "échec", other: "échecs" },
        in_doubt: { one: "à vérifier", other: "à vérifier" },
      },
      untitled: "Tâche",
      of: "sur",
      position: "Position {n} dans la file",
      stage: "Étape {index} sur {count}",
      rate: "{n}/s",
      etaUnknown: "Estimation du temps restant…",
      etaSoon: "quelques secondes restantes",
      eta: "environ {t} restantes",
      elapsed: "Durée {t}",
      resumes: "reprend dans {t}",
      seen: "vu il y a {t}",
      polling: "mise à jour toutes les {n} s",
      stalled: "sans nouvelles du traitement depuis {t}",
      warnings: { one: "{n} avertissement", other: "{n} avertissements" },
      lastWarnings: "{n} derniers affichés sur {total}",
      allWarnings: "Tout télécharger (CSV)",
      reference: "Référence",
      lost: "Connexion interrompue. La tâche continue sur le serveur.",
      retryIn: "Nouvel essai dans {n} s.",
      retrying: "Nouvel essai…",
      retryNow: "Réessayer maintenant",
      gone: "Tâche introuvable ou supprimée.",
      signedOut: "Votre session a expiré.",
      reload: "Recharger la page",
      actionFailed: "L’action n’a pas abouti. Réessayez dans un instant.",
      failedWithoutReason: "La tâche s’est arrêtée sans donner de raison.",
      say: {
        started: "{title} : démarré.",
        milestone: "{title} : {percent}.",
        warned: "{title} : {warnings}.",
        completed: "{title} : terminé. {summary}",
        failed: "{title} : échec. {summary}",
        cancelled: "{title} : annulé.",
        lost: "{title} : connexion interrompue, la tâche continue.",
        back: "{title} : connexion rétablie.",
      },
    },
    en: {
      state: {
        pending: "Queued",
        running: "Running",
        pausing: "Pausing…",
        paused: "Paused",
        cancelling: "Cancelling…",
        cancelled: "Cancelled",
        completed: "Completed",
        partial: "Completed with errors",
        failed: "Failed",
        expired: "Expired",
        lost: "Reconnecting",
      },
      count: {
        done: { one: "succeeded", other: "succeeded" },
        skipped: { one: "skipped", other: "skipped" },
        failed: { one: "failed", other: "failed" },
        in_doubt: { one: "to check", other: "to check" },
      },
      untitled: "Job",
      of: "of",
      position: "Position {n} in the queue",
      stage: "Step {index} of {count}",
      rate: "{n}/s",
      etaUnknown: "Estimating time left…",
      etaSoon: "a few seconds left",
      eta: "about {t} left",
      elapsed: "Took {t}",
      resumes: "goes on in {t}",
      seen: "seen {t} ago",
      polling: "updated every {n} s",
      stalled: "no sign of life from the worker for {t}",
      warnings: { one: "{n} warning", other: "{n} warnings" },
      lastWarnings: "last {n} of {total} shown",
      allWarnings: "Download all (CSV)",
      reference: "Reference",
      lost: "Connection lost. The job keeps running on the server.",
      retryIn: "Retrying in {n} s.",
      retrying: "Retrying…",
      retryNow: "Retry now",
      gone: "Job not found or deleted.",
      signedOut: "Your session has expired.",
      reload: "Reload the page",
      actionFailed: "The action did not go through. Try again in a moment.",
      failedWithoutReason: "The job stopped without giving a reason.",
      say: {
        started: "{title}: started.",
        milestone: "{title}: {percent}.",
        warned: "{title}: {warnings}.",
        completed: "{title}: completed. {summary}",
        failed: "{title}: failed. {summary}",
        cancelled: "{title}: cancelled.",
        lost: "{title}: connection lost, the job keeps running.",
        back: "{title}: connection restored.",
      },
    },
  };

  /** @param {string} template @param {Record<string, unknown>} values */
  const fill = (template, values) =>
    template.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")).trim();

  /** @param {string | null | undefined} tag  a BCP 47 tag such as "fr-CA" */
  const baseLanguage = (tag) => (tag ?? "").split("-")[0].toLowerCase();

  const NBSP = "\u00a0";

  /** Texts, numbers and durations of one language. */
  class Words {
    /** @param {"fr" | "en"} language */
    constructor(language) {
      this.language = language;
      this.text = MESSAGES[language];
      this.plurals = new Intl.PluralRules(language);
    }

    /** @type {Map<string, Words>} */
    static #cache = new Map();

    /** The words of a language we speak, else English. @param {string} tag @returns {Words} */
    static in(tag) {
      const language = baseLanguage(tag) === "fr" ? "fr" : "en";
      const words = Words.#cache.get(language) ?? new Words(language);
      Words.#cache.set(language, words);
      return words;
    }

    /** @param {number} n */
    number(n) {
      const maximumFractionDigits = n < 10 ? 1 : 0;
      return new Intl.NumberFormat(this.language, { maximumFractionDigits }).format(n);
    }

    /** @param {number} percent */
    percent(percent) {
      return new Intl.NumberFormat(this.language, { style: "percent" }).format(percent / 100);
    }

    /** @param {{ one: string, other: string }} forms @param {number} n */
    plural(forms, n) {
      return this.plurals.select(n) === "one" ? forms.one : forms.other;
    }

    /** @param {number} n */
    warnings(n) {
      return fill(this.plural(this.text.warnings, n), { n: this.number(n) });
    }

    /** A size such as "2,4 Mo". @param {number} n */
    bytes(n) {
      const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
      const power = Math.max(0, Math.min(3, Math.floor(Math.log10(Math.max(1, n)) / 3)));
      return new Intl.NumberFormat(this.language, {
        style: "unit",
        unit: units[power],
        unitDisplay: power ? "short" : "long",
        maximumFractionDigits: 1,
      }).format(n / 1000 ** power);
    }

    /** A short duration; its abbreviations are the same in both languages. @param {number} s */
    duration(s) {
      const seconds = Math.max(0, Math.round(s));
      const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
      if (seconds < 60) return `${seconds}${NBSP}s`;
      const minutes = Math.floor(seconds / 60);
      if (minutes < 10) {
        const rest = seconds % 60;
        return `${minutes}${NBSP}min${rest ? ` ${two(rest)}${NBSP}s` : ""}`;
      }
      if (minutes < 60) return `${minutes}${NBSP}min`;
      const rest = minutes % 60;
      return `${Math.floor(minutes / 60)}${NBSP}h${rest ? ` ${two(rest)}${NBSP}min` : ""}`;
    }
  }

  /* -------------------------------------------------------------- job state */

  /** @type {readonly Status[]} */
  const STATUSES = [
    "pending",
    "running",
    "pausing",
    "paused",
    "cancelling",
    "cancelled",
    "completed",
    "failed",
    "expired",
  ];
  /** @type {ReadonlySet<Status>} */
  const TERMINAL = new Set(["cancelled", "completed", "failed", "expired"]);
  /** @type {readonly Kind[]} */
  const KINDS = ["start", "progress", "warning", "complete", "error"];
  /** What a kind says when the payload has no `status`; a warning says nothing about it.
   * @type {Record<Kind, Status | undefined>} */
  const STATUS_OF_KIND = {
    start: "running",
    progress: "running",
    warning: undefined,
    complete: "completed",
    error: "failed",
  };
  /** @type {readonly Outcome[]} */
  const OUTCOMES = ["done", "skipped", "failed", "in_doubt"];
  const WARNINGS_KEPT = 20;

  /** @type {JobState} */
  const UNKNOWN_JOB = {
    seq: null,
    status: "pending",
    title: "",
    message: "",
    current: 0,
    total: null,
    percent: null,
    counts: { done: 0, skipped: 0, failed: 0, in_doubt: 0 },
    unit: null,
    stage: null,
    rate: null,
    eta_s: null,
    elapsed_s: null,
    resumes_in_s: null,
    queue_position: null,
    warnings: { total: 0, items: [] },
    result: null,
    error: null,
    worker: null,
    actions: [],
  };

  /** The first value that reads as a number. @param {...unknown} values */
  function firstNumber(...values) {
    for (const value of values) {
      if (value === null || value === undefined || value === "" || value === true) continue;
      const number = Number(value);
      if (Number.isFinite(number)) return number;
    }
    return undefined;
  }

  /** @param {unknown} value @returns {value is Record<string, any>} */
  const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

  /** Read JSON; what is none heals with the next event or snapshot. @param {unknown} text */
  function parsed(text) {
    try {
      const data = JSON.parse(String(text));
      return isRecord(data) ? data : {};
    } catch {
      return {};
    }
  }

  /** @param {unknown} status @param {Kind | null} kind */
  function readStatus(status, kind) {
    const known = STATUSES.find((one) => one === status);
    return known ?? (kind ? STATUS_OF_KIND[kind] : undefined);
  }

  /**
   * The books, from `counts` or from the plain style's two counters.
   * @param {Record<string, any>} data @param {number | undefined} current
   * @returns {Record<Outcome, number> | undefined}
   */
  function readCounts(data, current) {
    const failed = firstNumber(data.failed_items);
    if (isRecord(data.counts)) {
      const counts = { ...UNKNOWN_JOB.counts };
      for (const outcome of OUTCOMES) counts[outcome] = firstNumber(data.counts[outcome]) ?? 0;
      return counts;
    }
    const done = firstNumber(data.success_count);
    if (failed === undefined && done === undefined) return undefined;
    const guess = Math.max(0, (current ?? 0) - (failed ?? 0));
    return { ...UNKNOWN_JOB.counts, done: done ?? guess, failed: failed ?? 0 };
  }

  /** @param {unknown} error @param {Kind | null} kind @param {unknown} message */
  function readError(error, kind, message) {
    if (isRecord(error)) return { ...error, message: String(error.message ?? "") };
    if (typeof error === "string" && error) return { message: error };
    if (error === undefined && kind === "error" && message) return { message: String(message) };
    return error === undefined ? undefined : null;
  }

  /** @param {unknown} warnings @returns {Warnings | undefined} */
  function readWarnings(warnings) {
    if (!isRecord(warnings)) return undefined;
    const items = Array.isArray(warnings.items) ? warnings.items.filter(isRecord) : [];
    return {
      total: firstNumber(warnings.total) ?? items.length,
      items: items.map((item) => ({ ...item, message: String(item.message ?? "") })),
      href: typeof warnings.href === "string" ? warnings.href : null,
    };
  }

  /**
   * Read one event or snapshot: only the keys it has, in the form of `JobState`.
   *
   * @param {unknown} raw @param {Kind | null} kind  `null` for a snapshot
   * @returns {Partial<JobState>}
   */
  function normalize(raw, kind = null) {
    const data = isRecord(raw) ? raw : { message: String(raw ?? "") };
    const current = firstNumber(data.current, data.processed_items);
    const total = firstNumber(data.total, data.total_items);
    const knowsTotal = "total" in data || "total_items" in data;
    const percent = firstNumber(data.percent);
    /** @type {Record<string, any>} */
    const read = {
      ...data,
      seq: firstNumber(data.seq),
      status: readStatus(data.status, kind),
      current,
      total: total ?? (knowsTotal ? null : undefined),
      percent: percent ?? ("percent" in data ? null : undefined),
      counts: readCounts(data, current),
      error: readError(data.error, kind, data.message),
      unit: typeof data.unit === "string" ? { one: data.unit, other: data.unit } : data.unit,
      warnings: readWarnings(data.warnings),
      actions: Array.isArray(data.actions) ? data.actions : undefined,
    };
    for (const key of ["title", "message"]) {
      if (key in data) read[key] = data[key] == null ? "" : String(data[key]);
    }
    for (const key of Object.keys(read)) if (read[key] === undefined) delete read[key];
    return read;
  }

  /**
   * Percent by the rule: 100 only for a completed job, and `null` when nobody can know.
   * @param {Partial<JobState>} update @param {JobState} merged  with the update in it
   */
  function percentOf(update, merged) {
    if (merged.status === "completed") return 100;
    const { current, total } = merged;
    let percent = update.percent ?? null;
    if (percent === null && total && current <= total) percent = (100 * current) / total;
    if (percent === null && !("current" in update || "percent" in update)) percent = merged.percent;
    return percent === null ? null : Math.min(99, Math.max(0, Math.floor(percent)));
  }

  /**
   * Keep the texts we have when an event speaks another language than the page; a snapshot in the
   * page's language follows.
   * @param {Partial<JobState>} update @param {JobState} before @returns {Partial<JobState>}
   */
  function withoutForeignTexts(update, before) {
    const kept = { ...update };
    delete kept.lang;
    const moved = update.status !== undefined && update.status !== before.status;
    if ("message" in update) kept.message = moved ? "" : before.message;
    if (before.title) kept.title = before.title;
    if (before.unit) kept.unit = before.unit;
    if (before.result && update.result) kept.result = before.result;
    if (before.error && update.error) kept.error = before.error;
    if (update.warnings && before.warnings.items.length) {
      kept.warnings = { ...update.warnings, items: before.warnings.items };
    }
    if (update.stage && update.stage.index === before.stage?.index) kept.stage = before.stage;
    return kept;
  }

  /**
   * What an accepted update did.
   * @typedef {object} Change
   * @property {JobState} state
   * @property {JobState | null} before  `null` for the first one
   * @property {boolean} moved  the status is another one
   * @property {boolean} news  false for the same state again, say with its reader's actions
   * @property {boolean} newRun  the job was started again
   * @property {boolean} foreign  its texts were in another language and left out
   */

  /** The state of one job: what is accepted, in which order, and what never goes back. */
  class JobStore {
    /** @type {JobState | null} */
    state = null;
    #peak = 0;

    get ended() {
      return this.state !== null && TERMINAL.has(this.state.status);
    }

    /**
     * Take an update in, unless it is old.
     * @param {unknown} raw @param {Kind | null} kind  `null` for a snapshot
     * @param {string} [language]  of the page
     * @returns {Change | null}
     */
    apply(raw, kind, language = "") {
      const before = this.state;
      let update = normalize(raw, kind);
      if (!this.#accepts(update, kind)) return null;

      const lang = baseLanguage(update.lang);
      const foreign = kind !== null && Boolean(lang && language) && lang !== baseLanguage(language);
      if (foreign && before) update = withoutForeignTexts(update, before);
      if (kind === "warning" && !update.warnings) update = this.#withPlainWarning(update);

      const base = before ?? UNKNOWN_JOB;
      const state = { ...base, ...update };
      const moved = before === null || state.status !== before.status;
      const newRun =
        before !== null && moved && (state.status === "pending" || TERMINAL.has(before.status));
      if (newRun) Object.assign(state, { result: null, error: null }, update);
      state.percent = this.#climb(percentOf(update, state), newRun);
      const news =
        before === null || moved || update.seq === undefined || update.seq !== before.seq;
      this.state = state;
      return { state, before, moved, news, newRun, foreign };
    }

    /** A snapshot may repeat a number, in the reader's language and with actions; an event not.
     * @param {Partial<JobState>} update @param {Kind | null} kind */
    #accepts(update, kind) {
      if (this.state === null) return true;
      const last = this.state.seq;
      if (last !== null && update.seq != null) {
        return kind === null ? update.seq >= last : update.seq > last;
      }
      const ends = update.status !== undefined && TERMINAL.has(update.status);
      return !this.ended || ends || update.status === "pending";
    }

    /** The plain style sends a warning as a bare message, which is no message of the job's own.
     * @param {Partial<JobState>} update @returns {Partial<JobState>} */
    #withPlainWarning({ message, ...update }) {
      if (!message) return update;
      const { total, items } = this.state?.warnings ?? UNKNOWN_JOB.warnings;
      const warnings = { total: total + 1, items: [...items, { message }].slice(-WARNINGS_KEPT) };
      return { ...update, warnings };
    }

    /** @param {number | null} percent @param {boolean} newRun */
    #climb(percent, newRun) {
      if (newRun) this.#peak = 0;
      if (percent === null) return null;
      this.#peak = Math.max(this.#peak, percent);
      return this.#peak;
    }
  }

  /** @param {JobState} state @returns {View} */
  function viewOf(state) {
    const { failed, in_doubt } = state.counts;
    return state.status === "completed" && failed + in_doubt > 0 ? "partial" : state.status;
  }

  /** @param {JobState} state @returns {FailedJob} */
  function failureOf(state) {
    const details = state.error ?? { message: state.message };
    return { ...state, error: details.message, details };
  }

  /* ------------------------------------------------------------------- rate */

  /** Rate as a moving average weighted by time; used when the server gives none. */
  class Estimator {
    static halfLife = 10;
    /** Seconds of evidence before the rate means something. */
    static evidence = 3;

    rate = 0;
    #seen = 0;
    /** @type {{ n: number, at: number } | null} */
    #last = null;

    get ready() {
      return this.#seen >= Estimator.evidence && this.rate > 0;
    }

    /** @param {number} n  items so far @param {number} at  milliseconds */
    push(n, at) {
      const last = this.#last;
      this.#last = { n, at };
      if (!last) return;
      if (n < last.n) {
        this.rate = this.#seen = 0;
      } else if (at > last.at) {
        const seconds = (at - last.at) / 1000;
        const weight = 0.5 ** (seconds / Estimator.halfLife);
        const rate = (n - last.n) / seconds;
        this.rate = this.#seen ? this.rate * weight + rate * (1 - weight) : rate;
        this.#seen += seconds;
      }
    }

    /** Seconds left, or `null` while nobody knows. @param {number | null} total */
    eta(total) {
      if (!this.ready || total === null || !this.#last) return null;
      return Math.max(0, (total - this.#last.n) / this.rate);
    }
  }

  /** Coarse on purpose: a precise time that jumps is worse than a vague one. @param {number} s */
  function roundEta(s) {
    const step = s < 60 ? 5 : s < 600 ? 15 : s < 3600 ? 60 : 300;
    return Math.ceil(s / step) * step;
  }

  /* ---------------------------------------------------------- announcements */

  /** One polite and one assertive live region for the whole page, whatever the number of bars. */
  class Announcer {
    /** @type {Map<object, string>} */
    #queue = new Map();
    #lastSaid = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    /** @type {HTMLElement | null} */
    #polite = null;
    /** @type {HTMLElement | null} */
    #assertive = null;

    /** Put the regions on the page; they must be there before anything is said. */
    prepare() {
      if (this.#polite) return;
      this.#polite = h("div", { class: "sp-sr", role: "status", "aria-atomic": "true" });
      this.#assertive = h("div", { class: "sp-sr", role: "alert", "aria-atomic": "true" });
      document.body.append(this.#polite, this.#assertive);
    }

    /** Say something soon; a later message from the same bar replaces one not yet said.
     * @param {object} speaker @param {string} text */
    say(speaker, text) {
      this.#queue.set(speaker, text);
      if (this.#timer) return;
      const pause = this.#lastSaid + config.announcementGap - Date.now();
      this.#timer = setTimeout(() => this.#next(), Math.max(150, pause));
    }

    /** Say something at once. @param {object} speaker @param {string} text */
    interrupt(speaker, text) {
      this.prepare();
      this.#queue.delete(speaker);
      if (this.#polite) this.#polite.textContent = "";
      if (this.#assertive) this.#assertive.textContent = text;
    }

    #next() {
      this.#timer = undefined;
      const [first] = this.#queue;
      if (!first) return;
      this.prepare();
      this.#queue.delete(first[0]);
      this.#lastSaid = Date.now();
      if (this.#polite) this.#polite.textContent = first[1];
      if (this.#queue.size) this.#timer = setTimeout(() => this.#next(), config.announcementGap);
    }
  }

  const announcer = new Announcer();

  /** What is said about one bar: start, quarters, first warning, link, end. Never each tick. */
  class Narrator {
    #quarter = 0;
    #milestoneAt = 0;
    #warned = false;
    #lostSaid = false;

    /** @param {() => { words: Words, title: string }} context */
    constructor(context) {
      this.context = context;
    }

    /** @param {keyof typeof MESSAGES.fr.say} sentence @param {Record<string, string>} [values] */
    #say(sentence, values = {}) {
      const { words, title } = this.context();
      const text = fill(words.text.say[sentence], { title, ...values });
      if (sentence === "failed") announcer.interrupt(this, text);
      else announcer.say(this, text);
    }

    /** @param {Change} change */
    tell({ state, before, moved, newRun }) {
      if (newRun) this.#quarter = 0;
      const quarter = Math.floor((state.percent ?? 0) / 25);
      const passed = quarter > this.#quarter;
      this.#quarter = Math.max(this.#quarter, quarter);
      const warned = this.#warned;
      this.#warned ||= state.warnings.total > 0;
      if (before === null) {
        this.#milestoneAt = Date.now(); // nothing is said when a page opens
        return;
      }
      if (moved && this.#tellStatus(state, before)) return;
      const { words } = this.context();
      if (this.#warned && !warned) {
        this.#say("warned", { warnings: words.warnings(state.warnings.total) });
      } else if (passed && Date.now() - this.#milestoneAt > config.milestoneGap) {
        this.#milestoneAt = Date.now();
        this.#say("milestone", { percent: words.percent(state.percent ?? 0) });
      }
    }

    /** @param {JobState} state @param {JobState} before */
    #tellStatus(state, before) {
      const summary = state.result?.summary || state.message;
      if (state.status === "completed") this.#say("completed", { summary });
      else if (state.status === "cancelled") this.#say("cancelled");
      else if (TERMINAL.has(state.status)) this.#say("failed", { summary: failureOf(state).error });
      else if (state.status === "running" && before.status === "pending") this.#say("started");
      else return false;
      return true;
    }

    /** @param {number} lostFor  milliseconds without a link; 0 when there is one */
    tellLink(lostFor) {
      const lost = lostFor > config.lostSaidAfter;
      if (lost && !this.#lostSaid) this.#say("lost");
      if (!lostFor && this.#lostSaid) this.#say("back");
      if (lost || !lostFor) this.#lostSaid = lost;
    }
  }

  /* -------------------------------------------------------------- transport */

  /**
   * A share of the few connections that a browser opens to one host over HTTP/1.1.
   *
   * Taken through Web Locks, so that all tabs count together and a dead tab gives its share back.
   */
  class SlotBudget {
    #wanted = false;
    /** @type {(() => void) | null} */
    #release = null;
    /** @type {Promise<boolean> | null} */
    #taking = null;

    /** Whether a stream may be opened now. @returns {Promise<boolean>} */
    take() {
      this.#wanted = true;
      this.#taking ??= this.#acquire().finally(() => {
        this.#taking = null;
      });
      return this.#taking;
    }

    give() {
      this.#wanted = false;
      this.#release?.();
      this.#release = null;
    }

    async #acquire() {
      if (this.#release || !SlotBudget.#scarce()) return true;
      for (let slot = 0; slot < config.streamSlots; slot++) {
        if (await this.#lock(`sse-progress-${slot}`)) {
          if (this.#wanted) return true;
          this.give();
          return false;
        }
      }
      return false;
    }

    /** Web Locks need a secure context; HTTP/2 and 3 carry any number of streams. */
    static #scarce() {
      if (!globalThis.navigator?.locks) return false;
      const [page] = performance.getEntriesByType("navigation");
      const protocol = /** @type {PerformanceNavigationTiming | undefined} */ (page)
        ?.nextHopProtocol;
      return !/^h[23]/.test(protocol ?? "");
    }

    /** @param {string} name @returns {Promise<boolean>} */
    #lock(name) {
      return new Promise((answer) => {
        const hold = (/** @type {Lock | null} */ lock) => {
          answer(lock !== null);
          if (lock === null) return undefined;
          return new Promise((release) => {
            this.#release = () => release(undefined);
          });
        };
        navigator.locks.request(name, { ifAvailable: true }, hold).catch(() => answer(true));
      });
    }
  }

  /** @param {URL} url */
  const addressOf = (url) =>
    url.origin === location.origin ? url.pathname + url.search : url.href;

  /** The channel of a job begins with this. */
  const JOB = "progress-";

  /** Where the stream of each channel goes on from, and the tickets that open it. */
  class Places {
    /** @type {Map<string, string>} */
    #ids = new Map();
    /** @type {Map<string, { ticket: string, until: number }>} */
    #tickets = new Map();

    /** @param {string} channel */
    knows(channel) {
      return this.#ids.has(channel);
    }

    /** What a page or a snapshot says, unless the stream itself knows better.
     * @param {unknown} start @param {ReadonlySet<string>} covered */
    learn(start, covered) {
      if (!isRecord(start) || !Array.isArray(start.channels)) return;
      for (const channel of start.channels.map(String)) {
        const until = Date.now() + config.ticketLife;
        if (start.ticket) this.#tickets.set(channel, { ticket: String(start.ticket), until });
      }
      this.heard(String(start.id ?? ""), (channel) => !covered.has(channel));
    }

    /** A new ticket for the stream that is open. @param {unknown} ticket
     * @param {ReadonlySet<string>} covered */
    renew(ticket, covered) {
      const until = Date.now() + config.ticketLife;
      for (const channel of covered) {
        if (ticket) this.#tickets.set(channel, { ticket: String(ticket), until });
      }
    }

    /** The `id:` of an event names the place in every channel: `channel:id,channel2:id`.
     * @param {string} text @param {(channel: string) => boolean} [wanted] */
    heard(text, wanted = () => true) {
      for (const part of text.split(",")) {
        const colon = part.lastIndexOf(":");
        if (colon < 0) continue;
        const channel = decodeURIComponent(part.slice(0, colon));
        if (wanted(channel)) this.#ids.set(channel, part.slice(colon + 1));
      }
    }

    /** @param {readonly string[]} channels @param {URLSearchParams} query */
    addTo(query, channels) {
      // A job that was started a moment ago has a first event already, which would be missed: where
      // no place is known, the stream begins with the job's newest state (0: before any event).
      const asked = channels.filter((channel) => this.knows(channel) || channel.startsWith(JOB));
      const ids = asked.map(
        (channel) => `${encodeURIComponent(channel)}:${this.#ids.get(channel) ?? 0}`,
      );
      if (ids.length) query.append("lastEventId", ids.join(","));
      const now = Date.now();
      const held = channels.map((channel) => this.#tickets.get(channel));
      const tickets = held.flatMap((one) => (one && one.until > now ? [one.ticket] : []));
      if (tickets.length < channels.length) return; // the session is asked anyway
      for (const ticket of new Set(tickets)) query.append("ticket", ticket);
    }
  }

  /**
   * The one connection of a page, for all its bars.
   *
   * A native EventSource, but with our own retry: it gives up for good after a 502 or a 204. While
   * there is no stream, bars read snapshots; while there is one, they do so after 10 s of quiet.
   */
  class StreamHub {
    /** @type {Map<string, StreamHub>} */
    static #hubs = new Map();

    /** The hub of a stream address, made at its first use. @param {string} streamUrl */
    static of(streamUrl) {
      const hub = StreamHub.#hubs.get(streamUrl) ?? new StreamHub(streamUrl);
      StreamHub.#hubs.set(streamUrl, hub);
      return hub;
    }

    /** @type {LinkState} */
    state = "idle";
    /** When the next attempt is due, while waiting. */
    retryAt = 0;
    /** @type {Set<Subscriber>} */
    #subscribers = new Set();
    #budget = new SlotBudget();
    /** @type {EventSource | null} */
    #source = null;
    /** @type {ReadonlySet<string>} */
    #covered = new Set();
    /** Channels whose missed events the server sends, so that no snapshot is needed. */
    #resumed = new Set();
    #places = new Places();
    #attempts = 0;
    /** When the server would like us back, in milliseconds. @type {number | null} */
    #hint = null;
    #lastHeard = 0;
    #hidden = false;
    #suspended = false;
    #streamEverOpened = false;
    #streamRefused = false;
    /** Whether there was no share left when it was last asked for one. */
    #refused = false;
    /** Grows at each opening and closing, to recognise an answer that comes too late. */
    #generation = 0;
    /** @type {Record<"open" | "retry" | "settle" | "hide", ReturnType<typeof setTimeout> | undefined>} */
    #timers = { open: undefined, retry: undefined, settle: undefined, hide: undefined };
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #ticker;

    /** @param {string} streamUrl */
    constructor(streamUrl) {
      this.streamUrl = streamUrl;
      document.addEventListener("visibilitychange", () => this.#visibilityChanged());
      // A page kept for the back button would keep its connection too: six such pages freeze a site.
      addEventListener("pagehide", () => this.#suspend());
      addEventListener("pageshow", (event) => this.#wake(event.persisted));
      addEventListener("online", () => this.retryNow());
    }

    /** @param {Subscriber} subscriber */
    add(subscriber) {
      this.#subscribers.add(subscriber);
      this.#ticker ??= setInterval(() => this.#tick(), config.tick);
      if (document.hidden) this.#visibilityChanged();
      this.#settleSoon();
    }

    /** @param {Subscriber} subscriber */
    remove(subscriber) {
      if (!this.#subscribers.delete(subscriber)) return;
      if (this.#subscribers.size) return this.#settleSoon();
      clearInterval(this.#ticker);
      this.#ticker = undefined;
      this.#close();
      this.#budget.give();
      this.#setState("idle");
    }

    /** Try again at once, as when the reader asks or the network is back. */
    retryNow() {
      if (this.#suspended || !this.#subscribers.size) return;
      this.#attempts = 0;
      this.#resyncAll();
      this.#open();
    }

    /** A bar tells whether its snapshot could be read. @param {boolean} answered */
    reached(answered) {
      if (answered && this.state === "waiting") this.#setState("polling");
      if (!answered && this.state === "polling" && !this.#hidden) this.#backOff("waiting");
    }

    /** A page or a snapshot tells where its stream goes on from. @param {unknown} start */
    learn(start) {
      this.#places.learn(start, this.#covered);
    }

    /** Bars that come and go together cause one new connection, not one each. The first one of a
     * page that is there need not wait for others: a script makes its bars in one go. */
    #settleSoon() {
      if (!this.#source && document.readyState !== "loading") {
        queueMicrotask(() => this.#settle());
        return;
      }
      this.#timers.settle ??= setTimeout(() => {
        this.#timers.settle = undefined;
        this.#settle();
      }, 30);
    }

    #settle() {
      if (this.#suspended || !this.#subscribers.size) return;
      const wanted = this.#channels();
      const covered = this.#source && wanted.every((channel) => this.#covered.has(channel));
      if (!covered) this.#open();
    }

    #channels() {
      const all = new Set([...this.#subscribers].map((subscriber) => subscriber.channel));
      return [...all].slice(0, config.maxChannels);
    }

    async #open() {
      this.#close();
      if (this.#hidden) return this.#setState("polling");
      const generation = this.#generation;
      const taking = "EventSource" in globalThis ? this.#budget.take() : Promise.resolve(false);
      // To ask other tabs takes as long as to connect. Who was let in so far is let in mostly.
      const hopeful = "EventSource" in globalThis && !this.#refused;
      if (hopeful) this.#connect();
      const allowed = await taking;
      if (generation !== this.#generation) return;
      this.#refused = !allowed;
      if (allowed) {
        if (!hopeful) this.#connect();
        return;
      }
      this.#close();
      this.#setState("polling");
      this.#timers.retry = setTimeout(() => this.#open(), config.slotRetry);
    }

    #connect() {
      const channels = this.#channels();
      const url = new URL(this.streamUrl, location.href);
      for (const channel of channels) url.searchParams.append("channel", channel);
      // What is told to developers is what the guide shows, without places and tickets.
      const shown = addressOf(url);
      this.#places.addTo(url.searchParams, channels);
      this.#resumed = new Set(channels.filter((channel) => this.#places.knows(channel)));
      if (this.state === "idle" || this.state === "live") this.#setState("connecting");
      this.#each((subscriber) => subscriber.connecting(shown));
      this.#covered = new Set(channels);
      this.#listen(new EventSource(addressOf(url)));
      this.#timers.open = setTimeout(() => this.#openOverdue(), config.openTimeout);
    }

    /** @param {EventSource} source */
    #listen(source) {
      this.#source = source;
      const heard = (/** @type {Event} */ event) => {
        this.#lastHeard = Date.now();
        if ("lastEventId" in event) this.#places.heard(String(event.lastEventId));
      };
      source.addEventListener("stream-open", (event) => {
        heard(event);
        clearTimeout(this.#timers.open);
        this.#attempts = 0;
        this.#streamEverOpened = true;
        this.#streamRefused = false;
        this.#setState("live");
        // What was sent before now and is not sent again is nowhere but in the snapshot.
        this.#each((subscriber) => {
          if (!subscriber.known || !this.#resumed.has(subscriber.channel)) subscriber.resync();
        });
      });
      source.addEventListener("keep-alive", heard);
      source.addEventListener("stream-reset", (event) => {
        heard(event);
        this.#resyncAll();
      });
      source.addEventListener("stream-ticket", (event) => {
        const { ticket } = parsed(/** @type {MessageEvent} */ (event).data);
        this.#places.renew(ticket, this.#covered);
      });
      source.addEventListener("stream-close", (event) => {
        const { retry } = parsed(/** @type {MessageEvent} */ (event).data);
        this.#hint = firstNumber(retry) ?? null;
      });
      source.addEventListener("stream-error", () => {
        this.#attempts = Math.max(this.#attempts, 4);
        this.#failed();
        this.#resyncAll();
      });
      for (const kind of KINDS) {
        source.addEventListener(kind, (event) => {
          // "error" is both a kind of event of ours, with data, and the browser's word for a lost link.
          if (!("data" in event)) return this.#failed();
          heard(event);
          this.#deliver(String(event.data), kind);
        });
      }
    }

    /** @param {string} text @param {Kind} kind */
    #deliver(text, kind) {
      const data = parsed(text);
      const jobId = data.job_id != null ? String(data.job_id) : null;
      const [onlyChannel] = this.#covered.size === 1 ? this.#covered : [];
      this.#each((subscriber) => {
        const meant = jobId ? subscriber.jobId === jobId : subscriber.channel === onlyChannel;
        if (meant) subscriber.receive(data, kind);
      });
    }

    /** No `stream-open` in time: something on the way holds the bytes back. Poll, and still listen. */
    #openOverdue() {
      this.#streamRefused = true;
      this.#setState("polling");
      this.#timers.open = setTimeout(() => {
        this.#close();
        this.#timers.retry = setTimeout(() => this.#open(), config.streamRetry);
      }, config.openGiveUp);
    }

    #failed() {
      if (this.#suspended) return;
      const wasLive = this.state === "live";
      this.#streamRefused = true;
      this.#backOff(this.state === "polling" ? "polling" : "waiting");
      // A stream that has worked will tell what was missed. Its other readers have lost it too, and
      // must not all ask at once.
      if (!wasLive) this.#resyncAll();
    }

    /** @param {LinkState} state  until the next attempt */
    #backOff(state) {
      this.#close();
      const within = Math.min(config.backoffMax, config.backoffMin * 1.5 ** this.#attempts++);
      const jittered = this.#hint ?? within * (0.1 + 0.9 * Math.random());
      this.#hint = null;
      this.retryAt = Date.now() + jittered;
      this.#timers.retry = setTimeout(() => this.#open(), jittered);
      this.#setState(state);
    }

    #close() {
      this.#generation++;
      clearTimeout(this.#timers.open);
      clearTimeout(this.#timers.retry);
      this.#source?.close();
      this.#source = null;
      this.#covered = new Set();
    }

    #suspend() {
      this.#suspended = true;
      this.#close();
      this.#budget.give();
    }

    /** @param {boolean} fromCache */
    #wake(fromCache) {
      this.#suspended = false;
      if (fromCache) this.retryNow();
    }

    #visibilityChanged() {
      if (document.hidden) {
        this.#timers.hide ??= setTimeout(() => this.#hide(), config.hiddenGrace);
        return;
      }
      clearTimeout(this.#timers.hide);
      this.#timers.hide = undefined;
      if (this.#hidden || this.state === "waiting") {
        this.#hidden = false;
        this.retryNow();
      } else {
        this.#resyncAll();
      }
    }

    /** Nobody looks: leave the connection to the tabs that somebody looks at. */
    #hide() {
      this.#hidden = true;
      this.#close();
      this.#budget.give();
      if (this.#subscribers.size) this.#setState("polling");
    }

    #tick() {
      if (this.#suspended) return;
      const now = Date.now();
      if (this.state === "live" && now - this.#lastHeard > config.silence) this.#failed();
      this.#each((subscriber) => {
        subscriber.tick(now);
        const last = Math.max(subscriber.lastNews, subscriber.checkedAt);
        if (now - last >= this.#checkEvery(subscriber)) subscriber.resync(false);
      });
    }

    /** Milliseconds between two snapshots of a bar. @param {Subscriber} subscriber */
    #checkEvery(subscriber) {
      if (this.state === "waiting") return Number.POSITIVE_INFINITY; // each attempt reads them
      if (this.state === "polling") return this.pollEvery;
      const listening = this.state === "live" && this.#covered.has(subscriber.channel);
      return listening && subscriber.known ? config.quiet : config.poll;
    }

    get pollEvery() {
      if (this.#hidden) return config.hiddenPoll;
      const noStream = this.#streamRefused && !this.#streamEverOpened;
      return noStream ? config.pollWithoutStream : config.poll;
    }

    /** @param {LinkState} state */
    #setState(state) {
      this.state = state;
      this.#each((subscriber) => subscriber.linkChanged(state));
    }

    #resyncAll() {
      this.#each((subscriber) => subscriber.resync());
    }

    /** @param {(subscriber: Subscriber) => void} visit */
    #each(visit) {
      for (const subscriber of [...this.#subscribers]) visit(subscriber);
    }
  }

  /**
   * What reading a snapshot came to.
   * @typedef {{ outcome: "state", data: unknown }
   *   | { outcome: "unchanged" | "missing" | "signed-out" | "unreachable" }} Reading
   */

  /** Reads one job's snapshot, and asks only for news. */
  class SnapshotReader {
    #etag = "";

    /** @param {string} url @param {string} language @returns {Promise<Reading>} */
    async read(url, language) {
      /** @type {Record<string, string>} */
      const headers = { Accept: "application/json", "Accept-Language": language };
      if (this.#etag) headers["If-None-Match"] = this.#etag;
      try {
        const signal = AbortSignal.timeout(config.requestTimeout);
        const response = await fetch(url, { headers, signal, cache: "no-store" });
        return await this.#understand(response);
      } catch {
        return { outcome: "unreachable" };
      }
    }

    /** @param {Response} response @returns {Promise<Reading>} */
    async #understand(response) {
      const { status } = response;
      if (status === 304 || status === 429) return { outcome: "unchanged" };
      if (status === 401 || status === 403) return { outcome: "signed-out" };
      if (status === 404 || status === 410) return { outcome: "missing" };
      if (!response.ok) return { outcome: "unreachable" };
      const json = response.headers.get("Content-Type")?.includes("json");
      if (!json) return { outcome: response.redirected ? "signed-out" : "unreachable" };
      const data = await response.json();
      this.#etag = response.headers.get("ETag") ?? "";
      return { outcome: "state", data };
    }
  }

  /* ------------------------------------------------------------- view model */

  /**
   * What the card needs to know beside the state.
   * @typedef {object} Surroundings
   * @property {boolean} lost  the link is lost, for long enough to say so
   * @property {number} lostFor  seconds
   * @property {number | null} pollEvery  seconds between snapshots, `null` while events arrive
   * @property {number | null} rate  items a second
   * @property {number | null} eta  seconds
   * @property {number | null} resumes  seconds until a waiting job is tried again
   */

  /** @param {JobState} state */
  const hasBegun = (state) => state.status !== "pending" || state.current > 0;

  /** The line under the title: what it waits for, where it is, or what came out.
   * @param {JobState} state @param {Words} words */
  function subtitleOf(state, words) {
    const { status, message, stage, result, queue_position } = state;
    if (status === "failed" || status === "expired") return "";
    if (TERMINAL.has(status)) return result?.summary || message;
    const position = queue_position ? fill(words.text.position, { n: queue_position }) : "";
    if (status === "pending") return message || position;
    if (!stage) return message;
    const { index, count, label } = stage;
    const where = fill(words.text.stage, { index, count }) + (label ? ` – ${label}` : "");
    return message && message !== label ? `${where} · ${message}` : where;
  }

  /** "3 120 sur 8 000 lignes", as far as it is known. @param {JobState} state @param {Words} words */
  function progressOf(state, words) {
    if (!hasBegun(state)) return "";
    const { current, total, unit } = state;
    const parts = [words.number(current)];
    if (total !== null) parts.push(words.text.of, words.number(total));
    if (unit) parts.push(words.plural(unit, total ?? current));
    return parts.join(" ");
  }

  /** @param {JobState} state @param {Words} words @param {Surroundings} around */
  function paceOf(state, words, around) {
    const { text } = words;
    const silent = state.worker && !state.worker.alive;
    if (silent) return [fill(text.stalled, { t: words.duration(state.worker?.seen_s ?? 0) })];
    const facts = [];
    if (around.rate) {
      const unit = state.unit ? ` ${words.plural(state.unit, around.rate)}` : "";
      facts.push(fill(text.rate, { n: words.number(around.rate) + unit }));
    }
    if (state.percent === null) return facts;
    if (around.eta === null) {
      if (!around.rate) facts.push(text.etaUnknown);
    } else if (around.eta < 8) {
      facts.push(text.etaSoon);
    } else {
      facts.push(fill(text.eta, { t: words.duration(roundEta(around.eta)) }));
    }
    return facts;
  }

  /** The line under the bar. @param {JobState} state @param {Words} words @param {Surroundings} around */
  function factsOf(state, words, around) {
    const facts = [progressOf(state, words)];
    if (TERMINAL.has(state.status)) {
      const { elapsed_s } = state;
      if (elapsed_s !== null)
        facts.push(fill(words.text.elapsed, { t: words.duration(elapsed_s) }));
    } else if (around.lost) {
      facts.push(fill(words.text.seen, { t: words.duration(around.lostFor) }));
    } else if (around.resumes) {
      facts.push(fill(words.text.resumes, { t: words.duration(Math.ceil(around.resumes)) }));
    } else if (state.status === "running") {
      facts.push(...paceOf(state, words, around));
      const n = around.pollEvery;
      if (n) facts.push(fill(words.text.polling, { n: words.number(n) }));
    }
    return facts.filter(Boolean);
  }

  /** Counts worth showing, in the order of the books. @param {JobState} state */
  function statsOf({ counts }) {
    const any = OUTCOMES.some((outcome) => counts[outcome] > 0);
    return any ? OUTCOMES.filter((outcome) => outcome === "done" || counts[outcome] > 0) : [];
  }

  /** The result's links, but not one to the page that shows them.
   * @param {JobState} state @param {string} page  its address */
  function linksOf({ result }, page) {
    const here = new URL(page);
    return (result?.links ?? []).filter(({ href }) => {
      const there = URL.canParse(href, page) ? new URL(href, page) : null;
      return there?.origin !== here.origin || there.pathname !== here.pathname;
    });
  }

  /** Shares of the bar, 0 to 1; a share that exists is wide enough to be seen.
   * @param {JobState} state */
  function segmentsOf(state) {
    const filled = hasBegun(state) ? (state.percent ?? 0) / 100 : 0;
    if (state.status === "failed" || state.status === "expired") {
      return { done: filled, in_doubt: 0, failed: 0 };
    }
    const { counts } = state;
    const items = OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);
    const share = (/** @type {number} */ n) =>
      n > 0 && filled > 0 ? Math.min(filled, Math.max(0.012, (filled * n) / items)) : 0;
    const failed = share(counts.failed);
    const in_doubt = share(counts.in_doubt);
    return { done: Math.max(0, filled - failed - in_doubt), in_doubt, failed };
  }

  /* ------------------------------------------------------------------- card */

  /**
   * Make an element; text goes in as text, never as markup.
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
   * @param {...(Node | string)} children
   * @returns {HTMLElementTagNameMap[Tag]}
   */
  function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      element.setAttribute(name, value === true ? "" : String(value));
    }
    element.append(...children);
    return element;
  }

  const TICK = "M3 8.5l3.4 3.4L13 4.6";
  const CROSS = "M4 4l8 8M12 4l-8 8";
  const RING = "M14.5 8A6.5 6.5 0 0 0 8 1.5";
  const CLOCK = "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M8 4.5V8l2.4 1.6";
  const TRIANGLE = "M8 2 1.6 13.4h12.8zM8 6.4v3.2M8 11.6v.1";
  const PAUSE = "M5.5 3.5v9M10.5 3.5v9";
  const CIRCLED_CROSS =
    "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4";
  const TWO_ARROWS =
    "M13.5 6A5.8 5.8 0 0 0 3 5M2.5 2.5V5.6h3.1M2.5 10A5.8 5.8 0 0 0 13 11M13.5 13.5v-3.1h-3.1";

  /** Paths of the built-in icons, drawn as 16 px strokes. @type {Record<string, string>} */
  const ICONS = {
    pending: CLOCK,
    running: RING,
    pausing: RING,
    paused: PAUSE,
    cancelling: RING,
    cancelled: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M3.5 12.5l9-9",
    completed: TICK,
    partial: TRIANGLE,
    failed: CROSS,
    expired: CLOCK,
    lost: "M2 6.2a9 9 0 0 1 12 0M4.4 9a5.4 5.4 0 0 1 7.2 0M8 12.4v.1M2 2l12 12",
    done: TICK,
    skipped: "M3 3.5 8 8l-5 4.5zM8.5 3.5l5 4.5-5 4.5z",
    in_doubt:
      "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M6 6.3a2 2 0 1 1 2.8 1.9q-.8.4-.8 1.3M8 11.6v.1",
    warning: TRIANGLE,
    error: CIRCLED_CROSS,
    download: "M8 2v8.5M4.5 7.2 8 10.7l3.5-3.5M2.5 13.8h11",
    mail: "M1.8 3.5h12.4v9H1.8zM1.8 4.2 8 9l6.2-4.8",
    import: "M8 1.8v8M4.8 6.6 8 9.8l3.2-3.2M1.8 9.5v4.7h12.4V9.5",
    report: "M3.2 1.8h6.2l3.4 3.4v9H3.2zM9.4 1.8v3.4h3.4M5.6 8.4h4.8M5.6 11h4.8",
    sync: TWO_ARROWS,
    retry: TWO_ARROWS,
    chevron: "M6 3.5 10.5 8 6 12.5",
    job: "M2 4.5 8 1.5l6 3v7l-6 3-6-3zM2 4.5l6 3 6-3M8 7.5v7",
  };

  const SVG = "http://www.w3.org/2000/svg";

  /** @param {string} name @param {string} [drawing]  its key in ICONS, where it differs */
  function svgIcon(name, drawing = name) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", `sp-i sp-i-${name}`);
    const path = ICONS[drawing] ?? ICONS.job;
    if (path === RING) {
      const track = document.createElementNS(SVG, "circle");
      for (const [key, value] of Object.entries({ cx: 8, cy: 8, r: 6.5, opacity: 0.25 })) {
        track.setAttribute(key, String(value));
      }
      svg.append(track);
    }
    const shape = document.createElementNS(SVG, "path");
    shape.setAttribute("d", path);
    svg.append(shape);
    return svg;
  }

  /** An emoji, `#name` of a built-in icon, or the classes of an icon font. @param {string} icon */
  function jobIcon(icon) {
    if (!icon) return svgIcon("job");
    if (icon.startsWith("#")) return svgIcon("job", icon.slice(1));
    return /\s|^(bi|fa|icon)-/.test(icon) ? h("i", { class: icon }) : icon;
  }

  /** Only the web's own addresses; `javascript:` and its like lead nowhere. @param {string} address */
  function safeHref(address) {
    try {
      const url = new URL(address, document.baseURI);
      return /^https?:$/.test(url.protocol) ? url.href : "#";
    } catch {
      return "#";
    }
  }

  /** @param {Node} node @param {string} text */
  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  /**
   * All that a card shows.
   * @typedef {object} CardModel
   * @property {JobState} state
   * @property {Words} words
   * @property {string} heading
   * @property {string} icon
   * @property {Surroundings} around
   * @property {number} retryIn  seconds; 0 while trying
   * @property {"gone" | "signedOut" | null} problem
   * @property {string} note  the server's answer to an action it refused
   * @property {boolean} showDetails
   * @property {boolean} showStats
   */

  /** The drawn bar and all around it. Built once; each render touches only what has changed. */
  class Card {
    static #made = 0;

    /** @type {Map<string, string>} */
    #rendered = new Map();
    /** Actions that are under way or wait: their buttons may be made anew meanwhile. @type {Set<string>} */
    #busy = new Set();

    /**
     * @param {number} headingLevel
     * @param {{ act: (name: string) => void, retryNow: () => void }} on
     */
    constructor(headingLevel, on) {
      const titleId = `sp-title-${++Card.#made}`;
      const level = /** @type {"h3"} */ (`h${headingLevel}`);
      this.icon = h("span", { class: "sp-icon", "aria-hidden": "true" });
      this.title = h(level, { class: "sp-title", id: titleId, tabindex: -1 });
      this.pill = h("span", { class: "sp-pill" });
      this.subtitle = h("p", { class: "sp-sub" });
      this.percent = h("span", { class: "sp-pct", "aria-hidden": "true" });
      this.progress = h("progress", { class: "sp-native", max: 100, "aria-labelledby": titleId });
      this.track = h("div", { class: "sp-track", "aria-hidden": "true" });
      for (const part of ["done", "in-doubt", "failed"]) {
        this.track.append(h("i", { class: `sp-fill sp-fill-${part}` }));
      }
      this.facts = h("p", { class: "sp-facts" });
      this.lostText = h("span");
      this.lostButton = h("button", { type: "button", class: "sp-btn sp-btn-quiet" });
      this.lostButton.addEventListener("click", on.retryNow);
      this.lost = h("div", { class: "sp-conn", hidden: true });
      this.lost.append(svgIcon("lost"), this.lostText, this.lostButton);
      this.error = h("div", { class: "sp-error", hidden: true });
      this.note = h("p", { class: "sp-note", hidden: true });
      this.stats = h("ul", { class: "sp-stats", hidden: true });
      this.actions = h("div", { class: "sp-actions" });
      this.actions.addEventListener("click", (event) => {
        const button = event.target instanceof Element && event.target.closest("[data-action]");
        if (button) on.act(button.getAttribute("data-action") ?? "");
      });
      this.warnings = h("details", { class: "sp-warn", hidden: true });
      this.warningsSummary = h("summary");
      this.warningsList = h("ol", { class: "sp-warn-list", tabindex: 0 });
      this.warningsFoot = h("p", { class: "sp-warn-foot" });
      this.warnings.append(this.warningsSummary, this.warningsList, this.warningsFoot);
      this.root = this.#assemble(titleId);
    }

    /** @param {string} titleId */
    #assemble(titleId) {
      const line = h("div", { class: "sp-line" }, this.pill, this.subtitle);
      const heads = h("div", { class: "sp-heads" }, this.title, line);
      // A group, not a section: a landmark for each bar would drown the page's own.
      return h(
        "div",
        { class: "sp-card", role: "group", "aria-labelledby": titleId },
        h("div", { class: "sp-head" }, this.icon, heads, this.percent),
        h("div", { class: "sp-bar" }, this.progress, this.track),
        this.facts,
        this.lost,
        this.error,
        this.note,
        h("div", { class: "sp-foot" }, this.stats, this.actions),
        this.warnings,
      );
    }

    /** @param {CardModel} model */
    render(model) {
      const facts = factsOf(model.state, model.words, model.around);
      this.#renderHead(model);
      this.#renderBar(model, facts[0] ?? "");
      if (this.#isNew("facts", facts)) {
        this.facts.replaceChildren(...facts.map((fact) => h("span", {}, fact)));
      }
      this.#renderLost(model);
      this.#renderError(model);
      this.note.hidden = !model.note;
      setText(this.note, model.note);
      this.#renderStats(model);
      this.#renderWarnings(model);
      this.#renderActions(model);
    }

    /** Mark the button of an action as busy; it keeps the focus. @param {string} name @param {boolean} busy */
    setBusy(name, busy) {
      if (busy) this.#busy.add(name);
      else this.#busy.delete(name);
      for (const button of this.actions.querySelectorAll("[data-action]")) {
        if (button.getAttribute("data-action") !== name) continue;
        if (busy) button.setAttribute("aria-busy", "true");
        else button.removeAttribute("aria-busy");
      }
    }

    /** Whether a part has to be made again. @param {string} part @param {unknown} content */
    #isNew(part, content) {
      const key = JSON.stringify(content);
      if (this.#rendered.get(part) === key) return false;
      this.#rendered.set(part, key);
      return true;
    }

    /** @param {CardModel} model */
    #renderHead({ state, words, heading, icon, around }) {
      if (this.#isNew("icon", icon)) this.icon.replaceChildren(jobIcon(icon));
      setText(this.title, heading);
      const shown = around.lost ? "lost" : viewOf(state);
      if (this.#isNew("pill", [shown, words.language])) {
        this.pill.replaceChildren(svgIcon(shown), h("span", {}, words.text.state[shown]));
      }
      setText(this.subtitle, subtitleOf(state, words));
    }

    /** @param {CardModel} model @param {string} progress  in words */
    #renderBar({ state, words, around }, progress) {
      const known = state.percent !== null && hasBegun(state);
      const percent = known ? words.percent(state.percent ?? 0) : "";
      setText(this.percent, percent);
      if (known) this.progress.value = state.percent ?? 0;
      else this.progress.removeAttribute("value");
      const label = words.text.state[around.lost ? "lost" : viewOf(state)];
      const spoken = [percent, label, progress].filter(Boolean).join(", ");
      this.progress.setAttribute("aria-valuetext", spoken);
      const { done, in_doubt, failed } = segmentsOf(state);
      this.track.toggleAttribute("data-mixed", in_doubt + failed > 0);
      this.track.style.setProperty("--done", String(done));
      this.track.style.setProperty("--in-doubt", String(in_doubt));
      this.track.style.setProperty("--failed", String(failed));
    }

    /** @param {CardModel} model */
    #renderLost({ words, around, retryIn }) {
      this.lost.hidden = !around.lost;
      if (!around.lost) return;
      const { text } = words;
      const next = retryIn > 0 ? fill(text.retryIn, { n: retryIn }) : text.retrying;
      setText(this.lostText, `${text.lost} ${next}`);
      setText(this.lostButton, text.retryNow);
    }

    /** @param {CardModel} model */
    #renderError({ state, words, problem }) {
      const failed = state.status === "failed" || state.status === "expired";
      this.error.hidden = !failed && !problem;
      const { text, language } = words;
      const details = failureOf(state).details;
      if (this.error.hidden || !this.#isNew("error", [problem, details, language])) return;
      const body = h("div");
      if (problem) {
        const reload = h("a", { href: location.href }, text.reload);
        body.append(h("strong", {}, text[problem]), reload);
      } else {
        body.append(h("strong", {}, details.message || text.failedWithoutReason));
        if (details.hint) body.append(h("span", {}, details.hint));
        if (details.ref) body.append(h("small", {}, `${text.reference} ${details.ref}`));
      }
      this.error.replaceChildren(svgIcon("error"), body);
    }

    /** @param {CardModel} model */
    #renderStats({ state, words, showStats }) {
      const shown = showStats ? statsOf(state) : [];
      this.stats.hidden = !shown.length;
      if (!this.#isNew("stats", [shown, state.counts, words.language])) return;
      const items = shown.map((outcome) => {
        const n = state.counts[outcome];
        const label = words.plural(words.text.count[outcome], n);
        const icon = svgIcon(outcome, outcome === "failed" ? "error" : outcome);
        const number = h("b", {}, words.number(n));
        return h("li", { class: `sp-stat sp-stat-${outcome}` }, icon, number, ` ${label}`);
      });
      this.stats.replaceChildren(...items);
    }

    /** @param {CardModel} model */
    #renderWarnings({ state, words, showDetails }) {
      const { total, items, href } = state.warnings;
      this.warnings.hidden = !showDetails || total === 0;
      if (this.warnings.hidden || !this.#isNew("warnings", [state.warnings, words.language]))
        return;
      const title = words.warnings(total);
      const summary = h("span", {}, title);
      this.warningsSummary.replaceChildren(svgIcon("warning"), summary, svgIcon("chevron"));
      this.warningsList.setAttribute("aria-label", title);
      this.warningsList.hidden = !items.length;
      this.warningsList.replaceChildren(
        ...items.map(({ ref, message, code }) => {
          const item = h(
            "li",
            {},
            h("span", { class: "sp-ref" }, ref ?? ""),
            h("span", {}, message),
          );
          if (code) item.append(h("code", {}, code));
          return item;
        }),
      );
      this.warningsFoot.replaceChildren();
      if (items.length && total > items.length) {
        const values = { n: words.number(items.length), total: words.number(total) };
        this.warningsFoot.append(h("span", {}, fill(words.text.lastWarnings, values)));
      }
      if (href) {
        const link = { href: safeHref(href), download: true };
        this.warningsFoot.append(h("a", link, words.text.allWarnings));
      }
    }

    /** @param {CardModel} model */
    #renderActions({ state, words, problem }) {
      const actions = problem ? [] : state.actions;
      const links = linksOf(state, location.href);
      if (!this.#isNew("actions", [actions, links, words.language])) return;
      const focused = this.actions.contains(document.activeElement) ? document.activeElement : null;
      const anchors = links.map((link, index) => this.#resultLink(link, words, index === 0));
      const buttons = actions.map(({ name, label }) => {
        const button = h("button", { type: "button", class: "sp-btn", "data-action": name });
        if (this.#busy.has(name)) button.setAttribute("aria-busy", "true");
        if (name.startsWith("retry")) button.append(svgIcon("retry"));
        button.append(label || name);
        return button;
      });
      this.actions.replaceChildren(...anchors, ...buttons);
      if (!focused) return;
      const name = focused.getAttribute("data-action");
      const again = buttons.find((button) => name && button.getAttribute("data-action") === name);
      (again ?? this.title).focus({ preventScroll: true });
    }

    /** @param {ResultLink} link @param {Words} words @param {boolean} main */
    #resultLink({ label, href, bytes }, words, main) {
      const file = typeof bytes === "number";
      const attributes = {
        class: main ? "sp-btn sp-btn-main" : "sp-btn",
        href: safeHref(href),
        download: file,
      };
      const text = file ? `${label} (${words.bytes(bytes)})` : label;
      return file ? h("a", attributes, svgIcon("download"), text) : h("a", attributes, text);
    }
  }

  /* ---------------------------------------------------------------- element */

  // The file loads without a DOM too, for its tests.
  const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});
  const script = /** @type {HTMLScriptElement | null} */ (
    globalThis.document?.currentScript ?? null
  );

  /** Put the style sheet beside this script on the page, unless the page has it. */
  function ensureStylesheet() {
    if (!script?.src || document.querySelector('link[rel~="stylesheet"][href*="sse_progress"]'))
      return;
    const href = new URL("../css/sse_progress.css", script.src).href;
    document.head.append(h("link", { rel: "stylesheet", href }));
  }

  /** @param {string} name */
  function cookie(name) {
    const pair = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
    return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
  }

  /** @param {number} ms */
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** A job's progress bar: `<sse-progress job-id="…">`. @implements {Subscriber} */
  class SSEProgressElement extends Base {
    static observedAttributes = ["job-id", "heading", "icon", "lang", "hide-details", "hide-stats"];

    /** @type {number} */ checkedAt = 0;
    /** @type {number} */ lastNews = 0;
    #store = new JobStore();
    #estimator = new Estimator();
    #reader = new SnapshotReader();
    #narrator = new Narrator(() => ({ words: this.words, title: this.headingText }));
    /** @type {Card | null} */ #card = null;
    /** @type {StreamHub | null} */ #hub = null;
    /** @type {LinkState} */ #link = "idle";
    #lostSince = 0;
    /** When a job that was put off may be tried again. @type {number | null} */
    #resumesAt = null;
    #followedSince = 0;
    #started = false;
    #ended = false;
    /** @type {"gone" | "signedOut" | null} */ #problem = null;
    #note = "";
    /** What the last snapshot said about the stream. @type {unknown} */ #start = null;
    /** The actions that are under way, or wait for one that is. @type {Set<string>} */
    #asked = new Set();
    /** @type {Promise<void>} */ #acting = Promise.resolve();
    #renderPlanned = false;
    #csrfToken = "";
    /** @type {Promise<void> | null} */ #reading = null;
    #readAgain = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ #resyncTimer;

    get jobId() {
      return this.getAttribute("job-id") ?? "";
    }

    set jobId(value) {
      this.setAttribute("job-id", value);
    }

    get channel() {
      return this.getAttribute("channel") || `${JOB}${this.jobId}`;
    }

    /** The job as last heard of, in the wire format; `null` before. */
    get state() {
      return this.#store.state;
    }

    /** The link to the server. */
    get connection() {
      return this.#link;
    }

    get known() {
      return this.#store.state !== null;
    }

    get language() {
      return this.closest("[lang]")?.getAttribute("lang") || "fr";
    }

    get words() {
      return Words.in(this.language);
    }

    get headingText() {
      return this.getAttribute("heading") || this.state?.title || this.words.text.untitled;
    }

    connectedCallback() {
      if (this.#card) return this.#follow();
      // While the page is being read, the element's content may not be there yet.
      if (document.readyState !== "loading") return this.#takeOver();
      const begin = () => this.isConnected && !this.#card && this.#takeOver();
      document.addEventListener("DOMContentLoaded", begin, { once: true });
    }

    disconnectedCallback() {
      this.#leave();
    }

    /** @param {string} name @param {string | null} before @param {string | null} after */
    attributeChangedCallback(name, before, after) {
      if (!this.#card || before === after) return;
      if (name === "job-id") this.#startOver();
      this.#planRender();
    }

    /** Show a state, as if the server had sent it. @param {unknown} state */
    apply(state) {
      this.receive(state, null);
    }

    /** Take an event or, with no kind, a snapshot. @param {unknown} data @param {Kind | null} kind */
    receive(data, kind) {
      this.lastNews = Date.now();
      if (kind === null && isRecord(data)) this.#learn(data.stream);
      const change = this.#store.apply(data, kind, this.language);
      if (!change) return;
      const { state } = change;
      // Counted from here: a snapshot that is asked for again is not sent again while it is the same.
      const wait = state.resumes_in_s ?? null;
      this.#resumesAt = wait === null ? null : Date.now() + wait * 1000;
      if (change.newRun) {
        this.#estimator = new Estimator();
        this.#started = this.#ended = false;
      }
      if (state.status === "running") this.#estimator.push(state.current, performance.now());
      if (change.moved) this.#note = "";
      // Actions depend on the reader, so events don't carry them.
      const incomplete = kind !== null && change.moved && !TERMINAL.has(state.status);
      if (change.foreign) this.#resyncSoon(this.checkedAt + config.languageResync - Date.now());
      else if (incomplete) this.#resyncSoon(0);
      this.#report(change, kind);
      this.#narrator.tell(change);
      if (!TERMINAL.has(state.status)) this.#follow();
      this.#planRender();
    }

    /** Read the snapshot. @param {boolean} [again]  once more, if a reading is under way already */
    resync(again = true) {
      if (!this.#connects || this.#problem) return Promise.resolve();
      if (this.#reading) {
        this.#readAgain ||= again;
        return this.#reading;
      }
      this.#reading = this.#readSnapshot().finally(() => {
        this.#reading = null;
      });
      return this.#reading;
    }

    /** @param {LinkState} state */
    linkChanged(state) {
      if (state === this.#link) return;
      if (state === "waiting") this.#lostSince = Date.now();
      this.#link = state;
      if (state === "live") this.#log("✅ Connecté");
      else if (state === "waiting" || state === "polling") this.#log(`🔌 Liaison : ${state}`);
      if (state === "polling" && !this.known) this.resync();
      if (state !== "waiting") this.#narrator.tellLink(0);
      this.#emit("connection", { state });
      this.#planRender();
    }

    /** @param {string} url */
    connecting(url) {
      this.#log(`Connexion à ${url}`);
    }

    /** @param {number} now */
    tick(now) {
      if (this.#link === "waiting") this.#narrator.tellLink(now - this.#lostSince);
      const changes = this.state?.status === "running" || this.#resumesAt !== null;
      if (this.#link === "waiting" || changes) this.#planRender();
    }

    get #connects() {
      return Boolean(this.jobId) && !this.hasAttribute("static");
    }

    /** Replace what the server rendered, and start from the state it put there. */
    #takeOver() {
      const level = Number(this.getAttribute("heading-level")) || 3;
      const retryNow = () => this.#hub?.retryNow();
      const act = (/** @type {string} */ name) => void this.#act(name);
      const first = this.#firstState();
      this.#card = new Card(Math.min(6, Math.max(1, level)), { act, retryNow });
      this.replaceChildren(this.#card.root);
      ensureStylesheet();
      announcer.prepare();
      if (first) this.receive(first, null);
      else this.#follow();
      this.#render();
    }

    /** The snapshot in the page, with the fallback's forms as actions where it has none. */
    #firstState() {
      const data = this.querySelector('script[type="application/json"]');
      const token = this.querySelector('input[name="csrfmiddlewaretoken"]');
      if (token instanceof HTMLInputElement) this.#csrfToken = token.value;
      if (!data) return null;
      try {
        const state = JSON.parse(data.textContent ?? "");
        return isRecord(state) ? { actions: this.#actionsOfForms(), ...state } : null;
      } catch {
        return null;
      }
    }

    /** @returns {Action[]} */
    #actionsOfForms() {
      /** @type {NodeListOf<HTMLFormElement>} */
      const forms = this.querySelectorAll("form[data-action]");
      return [...forms].map((form) => ({
        name: form.dataset.action ?? "",
        label: form.querySelector("button")?.textContent?.trim() ?? "",
        url: form.getAttribute("action") ?? "",
        confirm: form.dataset.confirm ?? null,
      }));
    }

    /** Start the bar anew, for another job. */
    #startOver() {
      this.#leave();
      this.#store = new JobStore();
      this.#estimator = new Estimator();
      this.#reader = new SnapshotReader();
      this.#started = this.#ended = false;
      this.#problem = null;
      this.#note = "";
      this.#start = null;
      this.#follow();
    }

    #follow() {
      if (this.#hub || !this.isConnected || !this.#connects) return;
      if (this.#problem || this.#store.ended) return;
      this.#followedSince = Date.now();
      const streamUrl = this.getAttribute("stream-url") || config.streamUrl;
      this.#hub = StreamHub.of(fill(streamUrl, { prefix: config.prefix }));
      this.#hub.learn(this.#start);
      this.#hub.add(this);
      this.linkChanged(this.#hub.state);
      // The stream tells it too, and sooner when the server has nothing else to answer just then.
      if (!this.known) this.#resyncSoon(config.firstLook);
    }

    /** @param {unknown} start  how to open the stream */
    #learn(start) {
      if (!start) return;
      this.#start = start;
      this.#hub?.learn(start);
    }

    #leave() {
      clearTimeout(this.#resyncTimer);
      this.#resyncTimer = undefined;
      this.#hub?.remove(this);
      this.#hub = null;
      this.#link = "idle";
    }

    get #statusUrl() {
      const template = this.getAttribute("status-url") || config.statusUrl;
      return fill(template, { prefix: config.prefix, job: encodeURIComponent(this.jobId) });
    }

    async #readSnapshot() {
      do {
        this.#readAgain = false;
        this.checkedAt = Date.now();
        const store = this.#store;
        const reading = await this.#reader.read(this.#statusUrl, this.language);
        if (store === this.#store && this.isConnected) this.#take(reading);
      } while (this.#readAgain && this.isConnected && !this.#problem);
    }

    /** @param {number} delay  milliseconds */
    #resyncSoon(delay) {
      this.#resyncTimer ??= setTimeout(
        () => {
          this.#resyncTimer = undefined;
          this.resync();
        },
        Math.max(0, delay),
      );
    }

    /** @param {Reading} reading */
    #take(reading) {
      this.#hub?.reached(reading.outcome !== "unreachable");
      switch (reading.outcome) {
        case "state":
          return this.receive(reading.data, null);
        case "unchanged":
          this.lastNews = Date.now();
          return undefined;
        case "signed-out":
          return this.#stopFor("signedOut");
        case "missing": {
          // A page may ask for a job whose row isn't committed yet.
          const early = Date.now() - this.#followedSince < config.missingGrace;
          return this.known || !early ? this.#stopFor("gone") : undefined;
        }
        default:
          return undefined;
      }
    }

    /** @param {"gone" | "signedOut"} problem */
    #stopFor(problem) {
      this.#problem = problem;
      this.#leave();
      announcer.say(this, `${this.headingText}. ${this.words.text[problem]}`);
      this.#planRender();
    }

    /** Tell the page what an accepted update did. @param {Change} change @param {Kind | null} kind */
    #report({ state, before, moved, news }, kind) {
      if (moved) this.#emit("state", { ...state, previous: before?.status ?? null });
      const { total, items } = state.warnings;
      const toldBefore = before ? before.warnings.total : kind === "warning" ? 0 : total;
      if (total > toldBefore) {
        this.#log("⚠️ Warning:", state);
        this.#emit("warning", { ...state, warning: items.at(-1) ?? null });
      }
      if (TERMINAL.has(state.status)) return void this.#finish(state, kind);
      if (state.status === "pending") return;
      if (!this.#started) {
        this.#started = true;
        this.#log("🚀 Start:", state);
        this.#emit("start", state);
        if (kind === "start") return;
      }
      if (!news || kind === "warning") return;
      this.#log(`📊 Progress: ${state.percent ?? "?"}%`, state);
      this.#emit("progress", state);
    }

    /**
     * Tell the end, once a run. An event is completed by a last snapshot first: it has the reader's
     * language, the result's links and the actions that are left.
     * @param {JobState} last @param {Kind | null} kind
     */
    async #finish(last, kind) {
      if (this.#ended) return;
      this.#ended = true;
      this.#leave();
      const store = this.#store;
      if (kind !== null) await Promise.race([this.resync(), sleep(config.finalSnapshotTimeout)]);
      // A job that had ended before: let the page's own scripts add their listeners.
      if (document.readyState !== "complete") {
        await new Promise((resolve) => addEventListener("load", resolve, { once: true }));
      }
      if (!this.isConnected) return;
      const state = store.ended && store.state ? store.state : last;
      if (state.status === "completed") {
        this.#log("🎉 Complete:", state);
        this.#emit("complete", state);
      } else if (state.status === "cancelled") {
        this.#log("🚫 Cancel:", state);
        this.#emit("cancel", state);
      } else {
        const failure = failureOf(state);
        failure.error ||= this.words.text.failedWithoutReason;
        this.#log("❌ Error:", failure);
        this.#emit("error", failure);
      }
    }

    /** @param {string} name @param {unknown} detail @returns {boolean} false when it was cancelled */
    #emit(name, detail) {
      const init = { bubbles: true, cancelable: name === "action", detail };
      return this.dispatchEvent(new CustomEvent(`sse-progress:${name}`, init));
    }

    /** @param {string} text @param {...unknown} facts */
    #log(text, ...facts) {
      if (this.hasAttribute("debug")) console.log(`[SSE] ${text}`, ...facts);
    }

    /** Do what a button says. @param {string} name */
    async #act(name) {
      const action = this.state?.actions.find((one) => one.name === name);
      if (!action?.url || this.#asked.has(name) || !this.#emit("action", action)) return;
      if (action.confirm && !confirm(action.confirm)) return;
      this.#asked.add(name);
      this.#card?.setBusy(name, true);
      // One after the other: what is pressed while another one is under way must not be lost.
      const next = () => this.#do(action);
      this.#acting = this.#acting.then(next, next);
      await this.#acting;
    }

    /** @param {Action} action */
    async #do(action) {
      try {
        const refusal = await this.#post(action);
        await this.resync();
        this.#note = this.#problem ? "" : refusal;
        if (refusal) announcer.say(this, refusal);
      } finally {
        this.#asked.delete(action.name);
        this.#card?.setBusy(action.name, false);
        this.#planRender();
      }
    }

    /** @param {Action} action @returns {Promise<string>} why it was refused, or "" */
    async #post({ url, method }) {
      const field = document.querySelector('input[name="csrfmiddlewaretoken"]');
      const pageToken = field instanceof HTMLInputElement ? field.value : this.#csrfToken;
      const headers = {
        Accept: "application/json",
        "Accept-Language": this.language,
        "X-CSRFToken": cookie(config.csrfCookie) || pageToken,
      };
      try {
        const response = await fetch(safeHref(url), { method: method || "POST", headers });
        if (response.status === 401) this.#stopFor("signedOut");
        if (response.ok || this.#problem) return "";
        const answer = await response.json();
        const reason = isRecord(answer?.error) ? answer.error.message : answer?.error;
        return String(reason || answer?.message || this.words.text.actionFailed);
      } catch {
        return this.words.text.actionFailed;
      }
    }

    #planRender() {
      if (this.#renderPlanned || !this.#card) return;
      this.#renderPlanned = true;
      const render = () => {
        this.#renderPlanned = false;
        if (this.isConnected) this.#render();
      };
      if (document.hidden)
        setTimeout(render, 200); // hidden pages get no animation frames
      else requestAnimationFrame(render);
    }

    #render() {
      const state = this.state ?? UNKNOWN_JOB;
      const around = this.#surroundings(state);
      this.dataset.state = viewOf(state);
      this.toggleAttribute("data-lost", around.lost);
      const unknown = state.percent === null && !TERMINAL.has(state.status);
      this.toggleAttribute("data-indeterminate", unknown);
      this.#card?.render({
        state,
        around,
        words: this.words,
        heading: this.headingText,
        icon: this.getAttribute("icon") ?? "",
        retryIn: Math.max(0, Math.ceil(((this.#hub?.retryAt ?? 0) - Date.now()) / 1000)),
        problem: this.#problem,
        note: this.#note,
        showDetails: !this.hasAttribute("hide-details"),
        showStats: !this.hasAttribute("hide-stats"),
      });
    }

    /** @param {JobState} state @returns {Surroundings} */
    #surroundings(state) {
      const now = Date.now();
      const silentFor = this.hasAttribute("static") ? 0 : (now - this.lastNews) / 1000;
      const lostLongEnough = now - this.#lostSince > config.lostShownAfter;
      const pollEvery = this.#link === "polling" ? this.#hub?.pollEvery : undefined;
      const estimated = this.#estimator.ready ? this.#estimator.rate : null;
      return {
        lost: this.#link === "waiting" && lostLongEnough,
        lostFor: silentFor,
        pollEvery: pollEvery ? pollEvery / 1000 : null,
        rate: state.rate ?? estimated,
        eta:
          state.eta_s !== null
            ? Math.max(0, state.eta_s - silentFor)
            : this.#estimator.eta(state.total),
        resumes: this.#resumesAt === null ? null : Math.max(0, this.#resumesAt - now) / 1000,
      };
    }
  }

  /* ------------------------------------------------------------- public API */

  /** Put a job's bar into a page from a script. */
  class SSEProgressUI {
    static config = config;
    static messages = MESSAGES;
    /** For tests. */
    static internals = {
      normalize,
      JobStore,
      Estimator,
      Words,
      StreamHub,
      roundEta,
      viewOf,
      failureOf,
      subtitleOf,
      factsOf,
      statsOf,
      linksOf,
      segmentsOf,
    };

    /**
     * @param {string | HTMLElement} container  an element or its id; what is in it is replaced
     * @param {string | number} jobId
     * @param {UIOptions} [options]
     */
    constructor(container, jobId, options = {}) {
      const host = typeof container === "string" ? document.getElementById(container) : container;
      if (!host) {
        throw new Error(
          `SSEProgressUI found no element with the id "${container}". Is it on the page yet?`,
        );
      }
      this.element = /** @type {SSEProgressElement} */ (document.createElement("sse-progress"));
      this.#setAttributes(String(jobId), options);
      this.#listen("complete", options.onComplete);
      this.#listen("error", options.onError);
      this.#listen("progress", options.onProgress);
      this.#listen("warning", options.onWarning);
      this.#listen("connection", options.onConnectionChange);
      // Before it is on the page: it need not ask, and its stream goes on from there.
      if (options.state) this.element.apply(options.state);
      host.replaceChildren(this.element);
    }

    /** The job as last heard of; `null` before. */
    get state() {
      return this.element.state;
    }

    /** Take the bar off the page; nothing more is called. */
    destroy() {
      this.element.remove();
    }

    /** @param {string} jobId @param {UIOptions} options */
    #setAttributes(jobId, options) {
      const attributes = {
        "job-id": jobId,
        heading: options.title,
        icon: options.icon,
        variant: options.variant,
        channel: options.channel,
        "status-url": options.statusUrl,
        "stream-url": options.streamUrl,
        "hide-details": options.showDetails === false ? "" : undefined,
        "hide-stats": options.showStats === false ? "" : undefined,
        debug: options.debug ? "" : undefined,
      };
      for (const [name, value] of Object.entries(attributes)) {
        if (value !== undefined) this.element.setAttribute(name, value);
      }
    }

    /** @param {string} name @param {((detail: any) => void) | undefined} callback */
    #listen(name, callback) {
      if (!callback) return;
      this.element.addEventListener(`sse-progress:${name}`, (event) => {
        callback(/** @type {CustomEvent} */ (event).detail);
      });
    }
  }

  Object.assign(globalThis, { SSEProgressUI });
  globalThis.customElements?.define("sse-progress", SSEProgressElement);
})();
