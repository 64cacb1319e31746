// A field whose text goes to the kernel as a message, so that no front end keeps it in a widget's state.

function render({ model, el }) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.id = `helius-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  input.type = model.get("is_masked") ? "password" : "text";
  input.autocomplete = model.get("is_masked") ? "new-password" : "off";
  input.spellcheck = false;
  label.htmlFor = input.id;
  label.className = "widget-label";
  label.textContent = model.get("description");
  el.classList.add("jupyter-widgets", "widget-inline-hbox", "widget-text", "helius-field");
  el.append(label, input);

  // A page that is opened later has an empty field, while the kernel may hold a text.
  const follow = () => {
    if (!model.get("is_set")) input.value = "";
    input.placeholder = model.get("is_set") && !input.value ? "set, and not shown" : model.get("placeholder");
  };
  // The browser tells of a change before the click on a button that made the field lose the focus.
  input.addEventListener("change", () => {
    model.send({ text: input.value });
    if (!model.get("is_masked")) return;
    input.value = ""; // the kernel has it, and the page keeps it nowhere
    input.placeholder = "set, and not shown";
  });
  model.on("change:is_set change:placeholder", follow);
  follow();
  return () => model.off("change:is_set change:placeholder", follow);
}

export default { render };
