/**
 * A panel over the page that shows another page's main part, under that page's address: the link
 * can be copied, Back closes the panel, and a reload shows the page itself.
 */
export class Drawer {
  /** Called when a page is shown, with the drawer's body. */
  onShow = (_body) => {};

  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.body = dialog.querySelector("[data-body]");
    dialog.querySelector("[data-close]").onclick = () => this.close();
    dialog.addEventListener("click", (event) => { if (event.target === dialog) this.close(); });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Esc goes the way of Back
      this.close();
    });
    addEventListener("popstate", () => this.#follow());
  }

  /**
   * @param {string} url
   * @returns {Promise<boolean>} false when the page cannot be had
   */
  async open(url) {
    if (!(await this.load(url))) return false;
    history.pushState({ drawer: url }, "", url);
    this.dialog.showModal();
    return true;
  }

  /** Shows the page's main part, without a change of the address. */
  async load(url) {
    return this.show(await fetchPage(url));
  }

  /**
   * Shows the main part of a page that is there already.
   * @param {Document | null} page
   * @returns {boolean} false when it has none
   */
  show(page) {
    const part = page?.querySelector("[data-drawer]");
    if (!part) return false;
    this.dialog.querySelector("[data-title]").textContent = part.dataset.drawer;
    this.body.replaceChildren(document.adoptNode(part));
    this.onShow(this.body);
    return true;
  }

  close() {
    if (history.state?.drawer) history.back();
    else this.dialog.close();
  }

  async #follow() {
    const url = history.state?.drawer;
    if (!url) this.dialog.close();
    else if (!this.dialog.open && (await this.load(url))) this.dialog.showModal();
  }
}

/**
 * Returns a page of this site, or null where it cannot be had.
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<Document | null>}
 */
export async function fetchPage(url, options = {}) {
  const headers = { Accept: "text/html" };
  const answer = await fetch(url, { headers, ...options }).catch(() => null);
  if (!answer?.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}
