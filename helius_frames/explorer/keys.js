// The keys of the chart, and what only the page knows: whether it is dark, and how wide the cell is.
// The kernel moves from point to point; this element has the focus, its ring and the words for a screen reader.

const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Enter", " "];

function pageTheme() {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false" ? "dark" : "light";
  if (vscodeThemeKind) return /dark|^vscode-high-contrast$/.test(vscodeThemeKind) ? "dark" : "light";
  return "";
}

function followTheme(model) {
  const update = () => {
    const theme = pageTheme();
    if (theme === model.get("page_theme")) return;
    model.set("page_theme", theme);
    model.save_changes();
  };
  update();
  const observer = new MutationObserver(update);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  return observer;
}

// plotly looks at its width again only when the window says that it was resized.
function followWidth(el) {
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    if (entry.contentRect.width === width) return;
    width = entry.contentRect.width;
    window.dispatchEvent(new Event("resize"));
  });
  observer.observe(el);
  return observer;
}

// ipywidgets shows by colour alone which button is chosen, and its sliders have no name.
function nameControls(box) {
  const set = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const label = (element) => element.closest(".jupyter-widgets")?.querySelector(".widget-label")?.textContent ?? "";
  for (const group of box.querySelectorAll(".widget-toggle-buttons")) {
    set(group, "role", "group");
    set(group, "aria-label", label(group));
    for (const button of group.querySelectorAll("button")) {
      set(button, "aria-pressed", String(button.classList.contains("mod-active")));
    }
  }
  for (const handle of box.querySelectorAll(".noUi-handle")) set(handle, "aria-label", label(handle));
  for (const text of box.querySelectorAll(".widget-readout[contenteditable]")) {
    set(text, "role", "spinbutton");
    set(text, "aria-label", `${label(text)}, as a number`);
    set(text, "aria-valuenow", text.textContent.trim());
  }
  // What plotly draws is told in words by the element that has the focus.
  for (const chart of box.querySelectorAll(".svg-container")) set(chart, "aria-hidden", "true");
}

function watchControls(box) {
  nameControls(box);
  const observer = new MutationObserver(() => nameControls(box));
  observer.observe(box, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  return observer;
}

function render({ model, el }) {
  el.classList.add("helius-keys");
  el.dataset.lmSuppressShortcuts = "true"; // the arrows move in the chart, not in the notebook
  el.tabIndex = 0;
  el.setAttribute("role", "slider");
  const hint = document.createElement("span");
  hint.className = "helius-hint";
  hint.setAttribute("aria-hidden", "true");
  el.append(hint);

  const draw = () => {
    const { title, text, number, count } = model.get("view");
    el.setAttribute("aria-label", `chart: ${title}. Arrow keys move from point to point, Enter lists the holders, Escape clears`);
    el.setAttribute("aria-valuemin", count ? "1" : "0");
    el.setAttribute("aria-valuemax", String(count));
    el.setAttribute("aria-valuenow", String(Math.max(number, count ? 1 : 0)));
    el.setAttribute("aria-valuetext", number ? `${number} of ${count}: ${text}` : `${count} points`);
    hint.textContent = number ? `${text} · Enter lists, Esc clears` : "← → move from point to point · Enter lists who is behind it";
  };
  const onKey = (event) => {
    if (!KEYS.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ key: event.key === " " ? "Enter" : event.key });
  };
  el.addEventListener("keydown", onKey);

  const inside = (event) => el.closest(".helius-explorer")?.contains(event.target);
  const onEscape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !model.get("view").has_selection || !inside(event)) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ key: "Escape" });
  };
  // After a click on the chart its keys work.
  const onClick = (event) => {
    if (event.target !== el && el.parentElement?.contains(event.target)) el.focus({ preventScroll: true });
  };
  document.addEventListener("keydown", onEscape);
  document.addEventListener("click", onClick);
  model.on("change:view", draw);
  draw();

  const observers = [followTheme(model), followWidth(el)];
  // The element is in the page a moment later.
  requestAnimationFrame(() => {
    const box = el.closest(".helius-explorer");
    if (box) observers.push(watchControls(box));
  });
  return () => {
    document.removeEventListener("keydown", onEscape);
    document.removeEventListener("click", onClick);
    model.off("change:view", draw);
    observers.forEach((observer) => observer.disconnect());
  };
}

export default { render };
