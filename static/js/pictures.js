/**
 * Shows a picture in every place of the page where that user's picture is.
 * @param {string} userId
 * @param {string} url
 */
export async function showPicture(userId, url) {
  const places = document.querySelectorAll(`img[data-picture-of="${CSS.escape(userId)}"]`);
  await loaded(url);
  for (const place of places) place.src = url;
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
