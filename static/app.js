// Toasts, and nothing else: everything a page does, its own elements declare.
(() => {
  "use strict";
  const LASTS_MS = 6000;

  function show({ level, text }) {
    const toast = document.createElement("p");
    toast.className = `toast ${level}`;
    toast.textContent = text;
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), LASTS_MS);
  }

  document.addEventListener("toasts", (event) => {
    const toasts = event.detail.value ?? event.detail;
    for (const toast of [].concat(toasts)) show(toast);
  });
  document.addEventListener("htmx:sendError", () => {
    show({ level: "error", text: "The server cannot be reached; nothing was lost, try again." });
  });
})();
