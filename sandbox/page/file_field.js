// An attachment option in the message box: its name, and a file that is uploaded when it is chosen.

import { upload } from "./api.js";
import { el, uniqueId } from "./dom.js";

// `box` is the composer, which owns leaving, removing and submitting a field.
export class FileField {
  constructor(box, option) {
    this.box = box;
    this.option = option;
    this.value = null; // the id of the uploaded file
    this.error = "";
    const id = uniqueId("field");
    this.input = el("input", { id, type: "file", "aria-label": `${option.name}${option.required ? ", required" : ""}: ${option.description}` });
    this.node = el("span", { class: "field", dataset: { option: option.name } }, el("label", { for: id }, option.name), this.input);
    this.input.addEventListener("focus", () => this.box.explain(option));
    this.input.addEventListener("change", () => void this.#upload());
    this.input.addEventListener("keydown", (event) => this.#onKeydown(event));
  }

  get isEmpty() {
    return this.value === null;
  }

  // Text cannot name a file.
  setText() {
    this.box.showHint(`${this.option.name}: choose a file.`, true);
  }

  // Returns { value }, { error }, or {} if no file is chosen.
  read() {
    if (this.value !== null) return { value: this.value };
    if (this.error) return { error: this.error };
    return this.option.required ? { error: `${this.option.name}: choose a file.` } : {};
  }

  markInvalid(isInvalid) {
    this.node.classList.toggle("invalid", isInvalid);
    if (isInvalid) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  async #upload() {
    this.value = null;
    this.markInvalid(false);
    const [file] = this.input.files;
    this.error = file ? `${this.option.name}: the file is still being uploaded.` : "";
    if (!file) return;
    try {
      const id = await upload(this.box.me(), file);
      if (this.input.files[0] !== file) return; // another one was chosen meanwhile
      this.value = id;
      this.error = "";
      this.box.showHint(`${file.name} is uploaded. Press Enter to send.`);
    } catch (error) {
      this.error = `${this.option.name}: ${error.message}`;
      this.markInvalid(true);
      this.box.showHint(this.error, true);
    }
  }

  #onKeydown(event) {
    if (event.key === "Enter" && this.value !== null) {
      event.preventDefault();
      this.box.submit();
    } else if (event.key === "Escape") this.box.cancelCommand();
    else if (event.key === "Backspace" && this.value === null) {
      event.preventDefault();
      this.box.removeEmptyField(this);
    }
  }
}
