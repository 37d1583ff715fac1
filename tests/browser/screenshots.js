// Pictures of the main pages, small enough to keep with the source.
import { mkdirSync } from "node:fs";
import { api, launch, signedIn } from "./support.js";

const to = new URL("../../docs/images/", import.meta.url).pathname;
mkdirSync(to, { recursive: true });
const browser = await launch();
const { page } = await signedIn(browser, "commissioner", { viewport: { width: 1200, height: 900 } });
const { items } = await api("/referrals?limit=200");
const ranked = [];
for (const it of items.filter((it) => it.state === "ranked")) {
  ranked.push([it.referral_id, (await api(`/referrals/${it.referral_id}/offers`)).offers]);
}
// The one with the most to show.
ranked.sort(([, a], [, b]) => b.length - a.length);
const [[id, offers]] = ranked;
// A referral that somebody has begun to write.
const draft = "N-2027-14";
await page.goto("/start-referral");
await page.getByLabel("Reference in the case system").fill(draft);
await page.getByRole("button", { name: "Start" }).click();
await page.getByRole("link", { name: "Kinds of home in the care plan" }).click();
await page.getByLabel("First choice").selectOption("Foster home");
await page.getByRole("button", { name: "Save and continue" }).click();
await page.getByRole("heading", { name: `New referral ${draft}` }).waitFor();
for (const [name, path] of [
  ["queue", "/"],
  ["tasks", `/drafts/${draft}`],
  ["referral", `/referrals/${id}`],
  ["options", `/referrals/${id}/options`],
  ["option", `/referrals/${id}/options/${offers[0].setting_id}`],
]) {
  await page.goto(path);
  await page.screenshot({ path: `${to}${name}.png`, animations: "disabled" });
}
await browser.close();
