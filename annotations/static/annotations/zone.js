// Tells the server in which zone this browser is, so that pages show its times: config/zones.py.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const secure = location.protocol === "https:" ? "; secure" : "";
  if (zone && !document.cookie.split("; ").includes(`zone=${zone}`)) {
    document.cookie = `zone=${zone}; path=/admin; max-age=31536000; samesite=lax${secure}`;
  }
})();
