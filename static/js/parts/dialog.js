/**
 * Asks a question and waits for the answer. Esc, and a click outside, say no; the focus goes back
 * to where it was.
 * @param {string} id of the dialog in the page
 * @param {{title?: string, text?: string}} [words] where they differ from the page's
 * @returns {Promise<boolean>}
 */
export function ask(id, { title, text } = {}) {
  const dialog = document.getElementById(id);
  if (title) dialog.querySelector("[data-title]").textContent = title;
  if (text) dialog.querySelector("[data-text]").textContent = text;
  dialog.returnValue = "";
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close("no"); };
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
