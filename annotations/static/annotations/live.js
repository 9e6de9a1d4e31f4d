// Parts of a page that are asked for anew: they rest while nobody looks, and say so when the server does not answer.
"use strict";

(() => {
  const place = (event) => event.target.closest && event.target.closest("[data-live]");
  const mark = (event) => { const found = place(event); if (found) found.setAttribute("data-stale", ""); };
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, mark);
  document.addEventListener("htmx:afterSwap", (event) => {
    const found = place(event);
    if (found) found.removeAttribute("data-stale");
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.closest("[data-sleeps]")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) for (const one of document.querySelectorAll("[data-sleeps] > [hx-trigger~='look']")) window.htmx.trigger(one, "look");
  });
})();
