// Whoever chooses a file means that file: its choice is ticked for them.
const own = document.querySelector('[name="photo_choice"][value="own"]');
document.querySelector("#image").addEventListener("change", (event) => {
  own.checked ||= event.target.files.length > 0;
});
