// Toasts, and where one is in the navigation; the rest of what a page does, its elements declare.
(() => {
  "use strict";
  const LASTS_MS = 6000;
  const ERROR_LASTS_MS = 30000;

  function show({ level, text }) {
    const toast = document.createElement("p");
    toast.className = `toast ${level}`;
    toast.textContent = text;
    if ([...document.querySelectorAll(".toast")].some((one) => one.textContent === text)) return;
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), level === "error" ? ERROR_LASTS_MS : LASTS_MS);
  }

  function showPlace() {
    document.querySelector(".rail [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  showPlace();
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target === document.body) showPlace();
  });
  document.addEventListener("toasts", (event) => {
    const toasts = event.detail.value ?? event.detail;
    for (const toast of [].concat(toasts)) show(toast);
  });
  document.addEventListener("htmx:sendError", () => {
    show({ level: "error", text: "The server cannot be reached; nothing was lost, try again." });
  });
})();
