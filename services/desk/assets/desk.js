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

// Warns before somebody is signed out who does nothing. Times are in seconds.
const warning = document.querySelector("dialog[data-session]");
if (warning) {
  const WARN = 120;
  const [time, told, stay] = ["time", "told", "stay"].map((name) => warning.querySelector(`[data-${name}]`));
  let ends = Date.now() + 1000 * warning.dataset.session;
  // Whether it cannot be put off; and then, whether that was read.
  let last = false;
  let read = false;
  const left = () => Math.ceil((ends - Date.now()) / 1000);

  // Other windows may have kept the session alive, or ended it: only the service knows.
  const ask = async (method) => {
    try {
      const headers = { accept: "application/json", "x-csrf-token": warning.dataset.csrf };
      const answer = await fetch("/session", { method, headers, redirect: "manual" });
      const isOver = answer.type === "opaqueredirect" || answer.status === 401;
      // Busy, or away: what was known last holds.
      if (!answer.ok && !isOver) return;
      const { until_idle, until_old } = isOver ? { until_idle: 0, until_old: 0 } : await answer.json();
      ends = Date.now() + 1000 * until_idle;
      last = until_old <= until_idle;
      stay.textContent = last ? "Back to the page" : "Stay signed in";
    } catch {
      // Away for now: what was known last holds.
    }
  };

  const tell = (seconds) => {
    const [n, unit] = seconds < 60 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
    time.textContent = `You will be signed out in ${n} ${n === 1 ? unit : `${unit}s`}.`;
    // Not every second aloud.
    if (!told.textContent || seconds % 30 === 0) told.textContent = time.textContent;
  };

  const look = async () => {
    if (left() <= 0 || (left() <= WARN && !warning.open && !read)) await ask("GET");
    const seconds = left();
    if (seconds <= 0) {
      const query = { notice: "timed-out", return_to: location.pathname + location.search };
      location.assign(`/sign-in?${new URLSearchParams(query)}`);
      return;
    }
    if (seconds > WARN) {
      read = false;
      warning.close();
    } else if (!read) {
      if (!warning.open) warning.showModal();
      tell(seconds);
    }
    setTimeout(look, Math.min(Math.max(seconds - WARN, 1), 60) * 1000);
  };

  const keep = async () => {
    if (last) read = true;
    else await ask("POST");
    if (read || left() > WARN) warning.close();
    told.textContent = "";
  };
  stay.addEventListener("click", keep);
  // The Escape key.
  warning.addEventListener("cancel", (event) => {
    event.preventDefault();
    keep();
  });
  look();
}
