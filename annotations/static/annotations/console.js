// What the console's pages share. Pages hold no script of their own: the policy that they are sent with forbids it.
"use strict";

// A part that is asked for anew keeps what somebody just reads when the server does not answer.
document.addEventListener("htmx:responseError", (event) => {
  const place = event.target.closest("[data-live]");
  if (place) place.setAttribute("data-stale", "");
});
document.addEventListener("htmx:afterSwap", (event) => {
  const place = event.target.closest("[data-live]");
  if (place) place.removeAttribute("data-stale");
});
