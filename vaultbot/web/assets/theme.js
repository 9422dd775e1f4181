// @ts-check
// Before the page is drawn, so that it does not flash. No module, for those wait.
(() => {
  try {
    const chosen = localStorage.getItem("vaultbot-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is switched off; then the system decides.
  }
})();
