// A button that sends a chosen file to the kernel as a message, so that no front end keeps its content.

function render({ model, el }) {
  const button = document.createElement("button");
  const input = document.createElement("input");
  const status = document.createElement("span");
  button.type = "button";
  button.className = "jupyter-widgets jupyter-button widget-button";
  button.textContent = model.get("description");
  input.type = "file";
  input.accept = model.get("accept");
  input.hidden = true;
  status.setAttribute("role", "status");
  status.className = "helius-quiet";

  const send = async (file) => {
    status.textContent = "";
    if (file.size > model.get("max_bytes")) {
      status.textContent = `${file.name} is too large: at most ${model.get("max_bytes") / 1e6} MB`;
      return;
    }
    model.send({ name: file.name }, undefined, [await file.arrayBuffer()]);
  };
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) send(input.files[0]);
    input.value = ""; // the same file may be chosen again, after it was mended
  });
  el.classList.add("helius-file");
  el.append(button, input, status);
}

export default { render };
