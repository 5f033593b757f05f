// A picture may be dropped anywhere on the page: beside the field, the browser would leave the page and open it.
const field = document.querySelector("#image");
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) field.files = event.dataTransfer.files;
});
