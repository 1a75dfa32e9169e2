// Person field: arrows and Enter, or a click, choose an enrolled person.
// Without an arrow, Enter means what was typed, so that a new name does not select an enrolled person.
(() => {
  "use strict";
  const listOf = (field) => document.getElementById(field.getAttribute("aria-controls"));
  const options = (field) => [...listOf(field).children];
  const active = (field) => options(field).find((one) => one.ariaSelected === "true");

  function show(field, isOpen) {
    listOf(field).hidden = !isOpen;
    field.ariaExpanded = String(isOpen);
    if (!isOpen) mark(field, null);
  }

  function mark(field, chosen) {
    for (const one of options(field)) one.ariaSelected = String(one === chosen);
    if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
    else field.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  function take(field, chosen) {
    field.value = chosen.dataset.person;
    show(field, false);
  }

  function walk(field, step) {
    const all = options(field);
    const at = all.indexOf(active(field)) + step;
    mark(field, all[at < -1 ? all.length - 1 : at] ?? null); // beyond either end: what was typed
  }

  const fieldOf = (event) => event.target.closest?.("[role=combobox]");

  document.addEventListener("keydown", (event) => {
    const field = fieldOf(event);
    if (!field || listOf(field).hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      walk(field, event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter" && active(field)) {
      take(field, active(field)); // and the form is sent, as Enter does
    } else if (event.key === "Escape") {
      show(field, false);
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.target.matches("[role=listbox]")) return;
    const field = document.querySelector(`[aria-controls="${CSS.escape(event.target.id)}"]`);
    show(field, event.target.children.length > 0 && document.activeElement === field);
  });
  document.addEventListener("focusout", (event) => {
    if (fieldOf(event)) show(fieldOf(event), false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (event.target.closest(".known")) event.preventDefault(); // the field keeps the focus
  });
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest(".known > [role=option]");
    if (chosen) take(document.querySelector(`[aria-controls="${CSS.escape(chosen.parentElement.id)}"]`), chosen);
  });
})();
