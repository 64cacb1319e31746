// Buttons that save what the kernel sends as a download of this browser, and two facts the kernel
// cannot see: whether the page is dark, and that the width of the cell has changed.

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

function pageTheme() {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false" ? "dark" : "light";
  if (vscodeThemeKind) return /dark|^vscode-high-contrast$/.test(vscodeThemeKind) ? "dark" : "light";
  return "";
}

function followTheme(model) {
  const tell = () => {
    const theme = pageTheme();
    if (theme === model.get("page_theme")) return;
    model.set("page_theme", theme);
    model.save_changes();
  };
  tell();
  const observer = new MutationObserver(tell);
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

function render({ model, el }) {
  const tickets = new Set();
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "helius-status";

  for (const [format, label] of [["html", "Save HTML"], ["csv", "Save CSV"], ["parquet", "Save Parquet"]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "jupyter-widgets jupyter-button widget-button helius-save";
    button.textContent = label;
    button.addEventListener("click", () => {
      const ticket = crypto.getRandomValues(new Uint32Array(2)).join("-");
      tickets.add(ticket);
      status.textContent = "saving …";
      model.send({ format, ticket });
    });
    el.append(button);
  }
  el.append(status);
  el.classList.add("helius-save-row");

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
  const observers = [followTheme(model), followWidth(el)];
  return () => {
    model.off("msg:custom", answer);
    observers.forEach((observer) => observer.disconnect());
  };
}

export default { render };
