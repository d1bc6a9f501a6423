// The slug of a new preset follows its name until it is edited. Without this module the site makes it from the name.

const name = document.getElementById("id_name");
const slug = document.getElementById("id_slug");

/** A slug from a name, as `slug_of` of the site makes it. */
const slugOf = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 64).replace(/-+$/, "");

let edited = slug.value !== "" && slug.value !== slugOf(name.value);
slug.addEventListener("input", () => {
  edited = slug.value !== "";
});
const follow = () => {
  if (!edited) slug.value = slugOf(name.value);
};
name.addEventListener("input", follow);
follow(); // what was typed while this module was on its way
