// One menu that saves what the kernel sends as a download of this browser, and a button that copies Python.

const TYPES = {
  html: "text/html;charset=utf-8",
  csv: "text/csv;charset=utf-8",
  parquet: "application/vnd.apache.parquet",
};

function download(name, format, buffer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([buffer], { type: TYPES[format] }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Pages of another machine without https have no clipboard of their own.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function button(text, className) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = text;
  return made;
}

function render({ model, el }) {
  const tickets = new Set();
  el.classList.add("helius-save-row");
  el.dataset.lmSuppressShortcuts = "true";
  const box = document.createElement("div");
  box.className = "helius-save-box";
  const opener = button("Save ▾", "jupyter-widgets jupyter-button widget-button helius-save");
  opener.setAttribute("aria-haspopup", "menu");
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("aria-label", "Save");
  const menu = document.createElement("div");
  menu.className = "helius-menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", "Save");
  menu.hidden = true;
  box.append(opener, menu);
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "helius-status";
  el.append(box);
  const isMenu = model.get("is_menu");

  const toggle = (isOpen) => {
    menu.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    menu.style.left = "0";
    const room = (el.closest(".helius-explorer, .helius-app") ?? document.body).getBoundingClientRect();
    const beyond = menu.getBoundingClientRect().right - room.right + 4;
    if (beyond > 0) menu.style.left = `${-beyond}px`;
    menu.querySelector("button")?.focus();
  };
  const save = ({ what, format }) => {
    const ticket = crypto.getRandomValues(new Uint32Array(2)).join("-");
    tickets.add(ticket);
    status.textContent = "saving …";
    if (isMenu) {
      toggle(false);
      opener.focus();
    }
    model.send({ what, format, ticket });
  };
  opener.addEventListener("click", () => toggle(menu.hidden));
  if (isMenu) box.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const place = items.indexOf(document.activeElement);
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "ArrowDown" && menu.hidden) toggle(true);
    else if (!menu.hidden && event.key === "Escape") {
      toggle(false);
      opener.focus();
    } else if (!menu.hidden && to !== undefined) items.at(to % items.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  if (isMenu) box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget)) toggle(false);
  });

  const draw = () => {
    status.textContent = ""; // what was saved is no longer what is shown
    if (!isMenu) {
      box.replaceChildren(...model.get("items").map((item) => {
        const made = button(item.label, "jupyter-widgets jupyter-button widget-button helius-save");
        made.addEventListener("click", () => save(item));
        return made;
      }));
      return;
    }
    menu.replaceChildren(...model.get("items").map((item) => {
      const made = button(item.label, "helius-item");
      made.setAttribute("role", "menuitem");
      made.tabIndex = -1;
      made.addEventListener("click", () => save(item));
      return made;
    }));
  };
  if (model.get("has_python")) {
    const copier = button("Copy as Python", "jupyter-widgets jupyter-button widget-button helius-save");
    copier.addEventListener("click", async () => {
      await copy(model.get("python"));
      status.textContent = "copied: one line that draws this chart";
    });
    el.append(copier);
  }
  el.append(status);

  // Every view of this widget hears the answer; the one that asked saves it.
  const answer = (message, buffers) => {
    if (!tickets.delete(message.ticket)) return;
    if (message.error) {
      status.textContent = message.error;
      return;
    }
    download(message.name, message.format, buffers[0]);
    status.textContent = `saved ${message.name}`;
  };
  model.on("msg:custom", answer);
  model.on("change:items change:python", draw);
  draw();
  return () => {
    model.off("msg:custom", answer);
    model.off("change:items change:python", draw);
  };
}

export default { render };
