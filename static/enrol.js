// Photos dropped on a form or pasted into the page go into its file input, which works by itself.
(() => {
  "use strict";
  const ZONE = "[data-photo-drop]";
  const IS_PHOTO = /\.(heic|heif)$/i;

  const zoneOf = (target) => (target instanceof Element ? target.closest(ZONE) : null);
  const inputsOf = (zone) => [...zone.querySelectorAll('input[type="file"]')];
  const isPhoto = (file) => file.type.startsWith("image/") || IS_PHOTO.test(file.name);

  function add(zone, files) {
    const input = inputsOf(zone)[0];
    const held = new DataTransfer();
    for (const file of [...input.files, ...[...files].filter(isPhoto)]) held.items.add(file);
    input.files = held.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function tell(zone) {
    const names = inputsOf(zone).flatMap((input) => [...input.files].map((file) => file.name));
    zone.querySelector("[data-photo-names]").textContent = names.join(", ");
  }

  document.addEventListener("dragover", (event) => {
    const zone = zoneOf(event.target);
    if (!zone || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    const zone = zoneOf(event.target);
    if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event.target);
    if (!zone || !event.dataTransfer.files.length) return;
    event.preventDefault();
    zone.classList.remove("over");
    add(zone, event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const zone = zoneOf(event.target) ?? document.querySelector(ZONE);
    if (!zone || ![...event.clipboardData.files].some(isPhoto)) return;
    event.preventDefault();
    zone.closest("details")?.setAttribute("open", "");
    add(zone, event.clipboardData.files);
  });
  document.addEventListener("change", (event) => {
    const zone = zoneOf(event.target);
    if (zone) tell(zone);
  });
})();
