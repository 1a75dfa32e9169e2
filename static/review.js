// The keyboard, the selection and the stack of cards. What they do is declared by the page itself:
// data-key (a button's or a field's keys), data-grid (faces to choose from), data-stack (cards of a queue).
(() => {
  "use strict";
  const DRAG_PX = 6;
  const HELD_MS = 250;
  const isTyping = (element) =>
    element.matches("textarea, select, [contenteditable], input:not([type=checkbox]):not([type=hidden])");
  const isShown = (element) => element.getClientRects().length > 0;
  const boxes = () => [...document.querySelectorAll("[data-grid] input[type=checkbox]")];
  let cursor = null;

  // Keys press the buttons that show them.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key.startsWith("Arrow") && walk(event)) return event.preventDefault();
    if (event.repeat) return event.key === "Enter" ? event.preventDefault() : undefined; // held: once
    if (event.key === "Enter" && event.target.matches("a, button, summary")) return;
    if (event.key === "Enter" && event.target.matches("[data-grid] input")) event.preventDefault();
    const isCaps = event.getModifierState("CapsLock") && event.key.length === 1;
    const key = isCaps ? event.key.toLowerCase() : event.key;
    if (key === " " && flip(event)) return event.preventDefault();
    if (key === "a" && boxes().length) return chooseAll();
    if (event.key === "Escape" && boxes().length) return choose(boxes(), false);
    if (key === "b" && cursor) return open(cursor);
    const asking = document.querySelector("[data-asks]"); // what was just asked goes first
    const button = [...(asking ?? document).querySelectorAll("[data-key]")].find(
      (one) => one.dataset.key.split(" ").includes(key) && isShown(one) && !one.disabled
    );
    const field = [...document.querySelectorAll("[data-name-field]")].find(isShown);
    const isLetter = /^\p{L}$/u.test(key);
    if (field && isLetter && held) return type(field);
    if (button) {
      event.preventDefault();
      if (button.matches("input")) button.focus();
      else if (isLetter && field?.closest("[data-card]")) hold(key, button);
      else button.click();
    } else if (field && (key === "/" || isLetter)) {
      field.focus(); // the letter itself arrives in the field
      if (key === "/") event.preventDefault();
    }
  });

  // Where a name can be typed, a letter that is a key waits for a moment: two are a name's beginning.
  let held = null;
  function hold(letter, button) {
    held = { letter, timer: setTimeout(() => { held = null; if (isShown(button)) button.click(); }, HELD_MS) };
  }

  function type(field) {
    clearTimeout(held.timer);
    field.value += held.letter;
    held = null;
    field.focus(); // the second letter arrives by itself
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    if (event.target.closest("[data-flips]")) event.target.closest("[data-card]").classList.toggle("flipped");
    if (event.target.closest("[data-selects]")) chooseAll();
  });

  // The second click of a double click would answer the card that came up under it.
  document.addEventListener("click", (event) => {
    if (event.detail > 1 && event.target.closest("[data-card] [type=submit]")) event.preventDefault();
  }, { capture: true });

  // Faces: click, shift-click for a range, drag for a box, arrows to walk.
  function choose(some, checked) {
    for (const box of some) box.checked = checked;
    count();
  }

  function chooseAll() {
    choose(boxes(), !boxes().every((box) => box.checked));
  }

  function range(one, other) {
    const all = boxes();
    const [first, last] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
    return all.slice(first, last + 1);
  }

  function count() {
    const bar = document.querySelector("[data-bar]");
    if (!bar) return;
    const chosen = boxes().filter((box) => box.checked).length;
    const everything = bar.querySelector("[data-everything]");
    const number = everything?.checked ? Number(everything.dataset.everything) : chosen;
    bar.hidden = number === 0;
    bar.querySelector("[data-count]").textContent = `${number} selected`;
  }

  function open(box) {
    box.closest(".face").querySelector("a.pc").click();
  }

  function columns(all) {
    const top = all[0].closest(".face").offsetTop;
    const next = all.findIndex((box) => box.closest(".face").offsetTop !== top);
    return next < 0 ? all.length : next;
  }

  function walk(event) {
    const all = boxes();
    if (!all.length) return false;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(all), ArrowDown: columns(all) };
    const from = cursor && all.includes(cursor) ? all.indexOf(cursor) : -1;
    const to = from < 0 ? 0 : Math.min(Math.max(from + step[event.key], 0), all.length - 1);
    if (event.shiftKey) choose(range(all[Math.max(from, 0)], all[to]), true);
    cursor = all[to];
    cursor.focus();
    cursor.closest(".face").scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-grid] input")) cursor = event.target;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-grid] input, [data-everything]")) count();
  });
  let last = null;
  document.addEventListener("click", (event) => {
    if (!event.target.matches("[data-grid] input")) return;
    if (event.shiftKey && last) choose(range(last, event.target), event.target.checked);
    last = event.target;
  });

  let drag = null;
  document.addEventListener("pointerdown", (event) => {
    const grid = event.target.closest("[data-grid]");
    if (!grid || event.button !== 0 || event.pointerType !== "mouse" || event.target.closest("a")) return;
    if (!boxes().length) return;
    drag = { x: event.clientX, y: event.clientY, area: null };
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [left, top] = [Math.min(drag.x, event.clientX), Math.min(drag.y, event.clientY)];
    const [width, height] = [Math.abs(drag.x - event.clientX), Math.abs(drag.y - event.clientY)];
    if (!drag.area && Math.max(width, height) < DRAG_PX) return;
    if (!drag.area) {
      drag.area = document.createElement("div");
      drag.area.className = "drag-area";
      document.body.append(drag.area);
    }
    Object.assign(drag.area.style, {
      left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`,
    });
    event.preventDefault();
  });
  document.addEventListener("pointerup", () => {
    const area = drag?.area?.getBoundingClientRect();
    drag?.area?.remove();
    drag = null;
    if (!area) return;
    const within = boxes().filter((box) => {
      const tile = box.closest(".face").getBoundingClientRect();
      return tile.left < area.right && tile.right > area.left && tile.top < area.bottom && tile.bottom > area.top;
    });
    choose(within, true);
    document.addEventListener("click", (event) => event.preventDefault(), { capture: true, once: true });
    setTimeout(() => document.body.click(), 0);
  });

  // Many faces travel in one field: a form may not have thousands.
  document.addEventListener("htmx:configRequest", (event) => {
    const faces = event.detail.parameters.getAll?.("faces") ?? [];
    if (faces.length > 1) event.detail.parameters.set("faces", faces.join(" "));
    const here = event.detail.elt.matches("form") && event.detail.elt.querySelector("[data-here]");
    if (here) event.detail.parameters.set("back", location.pathname + location.search);
  });

  // Faces that were decided leave the grid; nothing else moves.
  document.addEventListener("htmx:afterSwap", () => {
    count();
    const line = document.getElementById("undo-line");
    const said = document.getElementById("said");
    if (said && line) said.textContent = line.querySelector("[data-says]")?.textContent ?? "";
    if (!line?.dataset.gone) return;
    const gone = line.dataset.gone.trim().split(" ");
    const everything = document.querySelector("[data-everything]");
    if (everything?.checked) return location.reload();
    for (const id of gone) document.getElementById(`face-${id}`)?.remove();
    for (const counted of document.querySelectorAll("#face-count, [data-all]")) {
      counted.textContent = Number(counted.textContent) - gone.length;
    }
    if (everything) everything.dataset.everything -= gone.length;
    delete line.dataset.gone;
    cursor = null;
    count();
  });

  // An answered card makes room at once; it comes back if its answer was not taken.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "post") return;
    const card = event.target.closest("[data-card]");
    card?.classList.add("answered");
    if (card) [...document.querySelectorAll("[data-card]")].find(isShown)?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { status } = event.detail.xhr;
    if (event.detail.requestConfig.verb !== "post") return;
    if ((status >= 200 && status < 400) || status === 409) return; // 409: answered by another reviewer
    event.target.closest?.("[data-card]")?.classList.remove("answered");
  });

  // A session that has ended leads to the login; what was chosen and typed waits until then.
  const WAITS = "what-waits";
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Redirect")) return;
    const typed = [...document.querySelectorAll("main input[type=text][id], main input:not([type])[id]")];
    sessionStorage.setItem(WAITS, JSON.stringify({
      place: location.pathname + location.search,
      faces: boxes().filter((box) => box.checked).map((box) => box.value),
      typed: Object.fromEntries(typed.map((field) => [field.id, field.value])),
    }));
  });

  function restore() {
    const waits = JSON.parse(sessionStorage.getItem(WAITS) ?? "null");
    if (waits?.place !== location.pathname + location.search) return;
    sessionStorage.removeItem(WAITS);
    choose(boxes().filter((box) => waits.faces.includes(box.value)), true);
    for (const [id, value] of Object.entries(waits.typed)) {
      const field = document.getElementById(id);
      if (field && value) field.value = value;
    }
  }

  function flip(event) {
    if (event.target.matches("input, button, a, summary")) return false;
    const card = [...document.querySelectorAll("[data-card]")].find(isShown);
    card?.classList.toggle("flipped");
    return Boolean(card);
  }

  document.documentElement.classList.add("scripted");
  restore();
  count();
})();
