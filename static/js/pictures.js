/**
 * Shows a picture in every place of the page where that user's picture is, and tells the panel
 * whether there is one to remove.
 * @param {string} userId
 * @param {string} url
 * @param {boolean} isOwn false for the placeholder that is drawn for users without a picture
 */
export async function showPicture(userId, url, isOwn) {
  const id = CSS.escape(userId);
  await loaded(url);
  for (const place of document.querySelectorAll(`img[data-picture-of="${id}"]`)) place.src = url;
  const panel = document.querySelector(`[data-user-id="${id}"][data-has-picture]`);
  if (panel) panel.dataset.hasPicture = isOwn;
}

/** Resolves when the picture is in the cache, so that no place is empty meanwhile. */
async function loaded(url) {
  const picture = new Image();
  picture.src = url;
  try {
    await picture.decode();
  } catch {
    // Shown all the same: the places then say that it cannot be loaded.
  }
}
