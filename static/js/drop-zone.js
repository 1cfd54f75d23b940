/**
 * Calls `take` with a file that is dropped on the zone or pasted anywhere on the page.
 * @param {HTMLElement} zone
 * @param {(file: File) => void} take
 */
export function takeDropsAndPastes(zone, take) {
  // A file that misses the zone would otherwise open in place of the page.
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (carriesFile(event.dataTransfer)) event.preventDefault();
    });
  }
  const mark = (isOver) => zone.toggleAttribute("data-drag-over", isOver);
  zone.addEventListener("dragover", (event) => mark(carriesFile(event.dataTransfer)));
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) mark(false);
  });
  zone.addEventListener("drop", (event) => {
    mark(false);
    takeFirst(event.dataTransfer, take);
  });
  document.addEventListener("paste", (event) => takeFirst(event.clipboardData, take));
}

function carriesFile(transfer) {
  return transfer.types.includes("Files");
}

function takeFirst(transfer, take) {
  const [file] = transfer.files;
  if (file) take(file);
}
