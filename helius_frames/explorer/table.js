// The table of holders. The kernel sends texts, which are written as texts and never as markup.

const COLUMNS = [["owner", "owner"], ["amount", null], ["share", "share"], ["slot", "slot"]];

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

function render({ model, el }) {
  el.classList.add("helius-table");
  el.dataset.lmSuppressShortcuts = "true"; // the keys of a table are its own, not the notebook's
  const pager = document.createElement("div");
  pager.className = "helius-pager";
  const before = button("◂", "previous page", () => model.send({ step: -1 }));
  const after = button("▸", "next page", () => model.send({ step: 1 }));
  const pages = document.createElement("span");
  pages.setAttribute("role", "status");
  pager.append(before, pages, after);
  const box = document.createElement("div");
  box.className = "helius-rows";
  box.setAttribute("role", "region");
  box.tabIndex = 0;
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  const heads = COLUMNS.map(([key]) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.append(button("", null, () => model.send({ sort: key })));
    head.append(cell);
    return cell;
  });
  const body = table.createTBody();
  box.append(table);
  el.append(pager, box);

  const draw = () => {
    const view = model.get("view");
    if (!view.rows) return;
    box.setAttribute("aria-label", view.what);
    pages.textContent = view.pages;
    before.disabled = !view.has_before;
    after.disabled = !view.has_after;
    pager.hidden = !view.rows.length;
    heads.forEach((cell, place) => {
      const [key, title] = COLUMNS[place];
      const isSorted = view.sort === key;
      const arrow = view.descending ? " ▾" : " ▴";
      cell.firstChild.textContent = `${title ?? view.unit}${isSorted ? arrow : ""}`;
      if (isSorted) cell.setAttribute("aria-sort", view.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    const focused = [...body.rows].findIndex((row) => row.contains(document.activeElement));
    body.replaceChildren(...view.rows.map((texts, place) => {
      const row = document.createElement("tr");
      const isMarked = place === view.marked;
      row.classList.toggle("helius-marked", isMarked);
      row.addEventListener("click", () => {
        if (!String(getSelection())) model.send({ mark: place }); // not while a text is being copied
      });
      texts.forEach((text, column) => {
        const cell = row.insertCell();
        if (column) {
          cell.textContent = text;
          return;
        }
        const owner = button(text, null, (event) => {
          event.stopPropagation();
          model.send({ mark: place });
        });
        owner.setAttribute("aria-pressed", String(isMarked));
        owner.title = isMarked ? "marked: click to take the mark away" : "mark this owner in the chart";
        cell.append(owner);
      });
      return row;
    }));
    if (focused >= 0) body.rows[Math.min(focused, body.rows.length - 1)]?.querySelector("button").focus();
  };
  model.on("change:view", draw);
  draw();
  return () => model.off("change:view", draw);
}

export default { render };
