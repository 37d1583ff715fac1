// What pages do besides, where scripts run. Every page works without.

// A form is sent once.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// Whoever comes back with the browser's own button may send again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Tells that there is news; the list itself never moves under its reader.
const status = document.querySelector("[data-updates]");
if (status) {
  let told = 0;
  const look = async () => {
    if (document.hidden) return;
    let news;
    try {
      const answer = await fetch(status.dataset.updates, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      news = (await answer.json()).new;
    } catch {
      return; // Away for now: the next look may find it back.
    }
    if (news === told) return;
    told = news;
    status.replaceChildren();
    if (!news) return;
    const link = document.createElement("a");
    link.className = "govuk-link";
    link.href = location.href;
    link.textContent = "update list";
    status.append(`${news} new ${news === 1 ? "referral" : "referrals"}: `, link);
  };
  setInterval(look, 30_000);
  addEventListener("oss:look", look);
}
